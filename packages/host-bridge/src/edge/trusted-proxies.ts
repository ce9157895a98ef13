import { BlockList, isIP } from "node:net";
import { ServeHTTPError } from "@servehttp/contract";
import { trustRememberedMax } from "../limits.js";

/**
 * Makes the function that tells whether an address is one of the proxies in front of the host.
 *
 * @param ranges addresses (`"10.0.0.7"`, `"::1"`) and ranges (`"10.0.0.0/8"`)
 * @throws ServeHTTPError `invalid-argument` for anything else
 */
export function trustedProxies(ranges: readonly string[]): (ip: string) => boolean {
  if (ranges.length === 0) {
    return () => false;
  }
  const list = new BlockList();
  for (const range of ranges) {
    addRange(list, range);
  }
  // A check of a BlockList costs several microseconds, and there are few different peers.
  const known = new Map<string, boolean>();
  return (ip) => {
    const before = known.get(ip);
    if (before !== undefined) {
      return before;
    }
    const version = isIP(ip);
    const trusted = version !== 0 && list.check(ip, version === 6 ? "ipv6" : "ipv4");
    if (known.size >= trustRememberedMax) {
      known.clear();
    }
    known.set(ip, trusted);
    return trusted;
  };
}

/** Whether a string is an address or a range: an address and a number of bits. */
export function isProxyRange(range: string): boolean {
  const [address = "", bits, ...rest] = range.split("/");
  const bitsMax = isIP(address) === 6 ? 128 : 32;
  return (
    isIP(address) !== 0 &&
    rest.length === 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax))
  );
}

function addRange(list: BlockList, range: string): void {
  if (!isProxyRange(range)) {
    throw new ServeHTTPError(
      "invalid-argument",
      `edge.trustedProxies: ${JSON.stringify(range)} is no IP address and no range such as "10.0.0.0/8"`,
    );
  }
  const [address = "", bits] = range.split("/");
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  if (bits === undefined) {
    list.addAddress(address, family);
  } else {
    list.addSubnet(address, Number(bits), family);
  }
}
