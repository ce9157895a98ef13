/**
 * Whether a text is the name of a host in DNS (RFC 1123, section 2.1; "_" as well, which names have
 * that only a private resolver knows): no port, no dot at the end, no character outside of ASCII.
 */
export function isHostName(name: string): boolean {
  return name.length <= 253 && namePattern.test(name);
}

/**
 * The name in a Host field or an authority: in lower case, without its port and without the dot of
 * the root. Undefined where it is no name, but an address in brackets, say.
 */
export function hostNameOf(host: string): string | undefined {
  const [, name] = hostPattern.exec(host) ?? [];
  return name?.toLowerCase();
}

const namePattern = /^(?!-)[\w-]{1,63}(?<!-)(?:\.(?!-)[\w-]{1,63}(?<!-))*$/;
const hostPattern = /^([\w.-]+?)\.?(?::\d*)?$/;
