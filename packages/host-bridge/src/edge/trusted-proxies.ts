import { BlockList, isIP } from "node:net";
import { ServeHTTPError } from "@servehttp/contract";
import { trustRememberedMax } from "../limits.js";

/** The proxies in front of the host. */
export class TrustedProxies {
  readonly #list = new BlockList();
  readonly #unix: boolean;
  /** There are some. */
  readonly any: boolean;
  /** A check of a BlockList costs several microseconds, and there are few different peers. */
  readonly #peers = new Map<string, boolean>();

  /**
   * @param ranges addresses (`"10.0.0.7"`, `"::1"`), ranges (`"10.0.0.0/8"`), and `"unix"` for
   *   whoever connects to a unix socket
   * @throws ServeHTTPError `invalid-argument` for anything else
   */
  constructor(ranges: readonly string[]) {
    this.any = ranges.length > 0;
    this.#unix = ranges.includes("unix");
    for (const range of ranges) {
      addRange(this.#list, range);
    }
  }

  /**
   * Whether whoever has connected to the host is one of them.
   *
   * @param peer an IP address, `"unix"`, or empty where it is unknown
   */
  hasPeer(peer: string): boolean {
    if (!this.any) {
      return false;
    }
    const before = this.#peers.get(peer);
    if (before !== undefined) {
      return before;
    }
    const trusted = this.has(peer);
    if (this.#peers.size >= trustRememberedMax) {
      this.#peers.clear();
    }
    this.#peers.set(peer, trusted);
    return trusted;
  }

  /** The same for one whom a proxy names. What is not an address is never one of them. */
  has(peer: string): boolean {
    if (peer === "unix") {
      return this.#unix;
    }
    const version = isIP(peer);
    return version !== 0 && this.#list.check(peer, version === 6 ? "ipv6" : "ipv4");
  }
}

/** Whether a string is an address, a range (an address and a number of bits), or `"unix"`. */
export function isProxyRange(range: string): boolean {
  if (range === "unix") {
    return true;
  }
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
      `edge.trustedProxies: ${JSON.stringify(range)} is no IP address, no range such as "10.0.0.0/8", and not "unix"`,
    );
  }
  if (range === "unix") {
    return;
  }
  const [address = "", bits] = range.split("/");
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  if (bits === undefined) {
    list.addAddress(address, family);
  } else {
    list.addSubnet(address, Number(bits), family);
  }
}
