/**
 * Every bound of the host that the contract does not set, with its unit and its reason. A bound that an option can
 * move is the option's default and lives in `options.ts`. Units are the last word of each name.
 */

/** A request target: 64 KiB, what the contract allows for `url`. Longer is 414. */
export const targetBytesMax = 65_536;

/** A plugin's id: 128 octets, what the contract allows. */
export const pluginIdBytesMax = 128;

/**
 * A request's header section: 64 KiB, four times what Node accepts by default, and half of what the contract does, which
 * leaves room for what the host adds. Larger is 431.
 */
export const requestSectionBytesMax = 65_536;

/** The header or trailer section of a plugin's response: 64 KiB, four times what most callers accept. Longer is 502. */
export const responseSectionBytesMax = 65_536;

/** Header names whose meaning is remembered: 512. Strangers choose names, so the memory is bounded. */
export const fieldNamesRememberedMax = 512;

/** Names that `identity` may teach the host: 128. It names a handful; more than that is a defect that must not grow. */
export const identityNamesMax = 128;

/** Callers' addresses whose trust is remembered: 1,024. */
export const trustRememberedMax = 1_024;

/** How far behind its start a plugin may push the head of a long exchange: 10 minutes. */
export const headExtensionMsMax = 600_000;
