import type { FieldList } from "@servehttp/contract";
import { type ForwardedNode, readForwardedNode } from "./forwarded-node.js";
import type { EdgeOptions } from "./edge-options.js";
import { type ForwardedFacts, pushForwarded, pushForwardedHops } from "./forwarded.js";
import { forwardedBasePath } from "./forwarded-prefix.js";
import { type ForwardedFamily, type ForwardedHop, readForwardedHops } from "./forwarded-hops.js";
import type { Refusal } from "./refusal.js";
import type { ClientFacts } from "./request-fields.js";
import { TrustedProxies } from "./trusted-proxies.js";

/** Who a client is. */
export interface KnownClient {
  /** `"ip:port"`, with port 0 where a proxy told none; empty where nobody knows the address. */
  readonly remoteAddress: string;
  /** The scheme in which it addressed the host, or the first of the trusted proxies. */
  readonly scheme: "http" | "https";
  /** In front of the plugin's own "/", as the client sent it. Empty at the root. */
  readonly basePath: string;
}

/**
 * Decides who the client of a request is, and what the plugin gets to read about it. A proxy's word
 * counts where the proxy is trusted; so does its word about the one behind it, as far as that one is
 * trusted, too. What a stranger wrote in front of that was never anybody's word.
 */
export class Forwarding {
  readonly #policy: "replace" | "append" | "off";
  readonly #family: ForwardedFamily;
  readonly #proxies: TrustedProxies;
  /** Whether `apply` wants the fields that say who forwarded a request. */
  readonly reads: boolean;

  /** @throws ServeHTTPError `invalid-argument` for a trusted proxy that is none */
  constructor(options: EdgeOptions) {
    this.#policy = options.forwarded ?? "replace";
    this.#family = options.forwardedBy ?? "x-forwarded";
    this.#proxies = new TrustedProxies(options.trustedProxies ?? []);
    this.reads = this.#policy !== "off" || this.#proxies.any;
  }

  /** Whether whoever has connected is one of the proxies in front of the host. */
  trusts(client: ClientFacts): boolean {
    return this.#proxies.hasPeer(client.peer);
  }

  /**
   * Adds the forwarding fields that the plugin gets to its fields. Returns who the client is, or a
   * refusal where a proxy that is believed says something impossible.
   *
   * @param received the forwarding fields that came
   */
  apply(
    fields: string[],
    received: FieldList,
    client: ClientFacts,
    host: string,
  ): KnownClient | Refusal {
    const remoteIp = client.peer === "unix" ? "" : client.peer;
    const trusted = this.trusts(client);
    if (!trusted && this.#policy === "replace") {
      const { basePath, scheme } = client;
      pushForwarded(fields, { remoteIp, host, scheme, basePath });
      return client;
    }
    const hops = readForwardedHops(received, this.#family);
    const path = trusted ? this.#path(client, hops) : { known: client, hops: [] };
    const basePath = this.#basePath(received, client, trusted, path.hops.length);
    if (typeof basePath !== "string") {
      return basePath;
    }
    const known = { ...path.known, basePath };
    if (this.#policy === "off") {
      fields.push(...received);
      return known;
    }
    const facts: ForwardedFacts = { remoteIp, host, scheme: client.scheme, basePath };
    // With `append`, everybody is believed as far as fields go.
    const told = this.#policy === "append" ? hops : path.hops;
    this.#pushOthers(fields, received, told[0]?.sender?.peer ?? remoteIp);
    if (told.length === 0) {
      pushForwarded(fields, facts);
    } else {
      pushForwardedHops(fields, facts, told);
    }
    return known;
  }

  /**
   * Adds the forwarding fields that another exchange of the same client has, but for the prefix,
   * which is each plugin's own.
   */
  passOn(fields: string[], forwarded: FieldList, { basePath }: KnownClient): void {
    fields.push(...forwarded);
    if (this.#policy !== "off" && basePath !== "") {
      fields.push("X-Forwarded-Prefix", basePath);
    }
  }

  /**
   * The base path, with what proxies have removed in front. One that is trusted has written no more
   * than the last element of the list, and those in front of it one each.
   */
  #basePath(
    received: FieldList,
    client: ClientFacts,
    trusted: boolean,
    hops: number,
  ): string | Refusal {
    // A plugin under a host name of its own is at the root behind every proxy.
    if (this.#family === "forwarded" || client.basePath === "") {
      return client.basePath;
    }
    if (this.#policy === "append") {
      return forwardedBasePath(received, client, Number.POSITIVE_INFINITY);
    }
    return trusted ? forwardedBasePath(received, client, Math.max(1, hops)) : client.basePath;
  }

  /** Goes back from the host to the first one who is no trusted proxy: that is the client. */
  #path(
    client: ClientFacts,
    hops: readonly ForwardedHop[],
  ): { readonly known: Omit<KnownClient, "basePath">; readonly hops: readonly ForwardedHop[] } {
    let node: ForwardedNode | undefined = client;
    let { remoteAddress, scheme }: Omit<KnownClient, "basePath"> = client;
    let first = hops.length;
    while (first > 0 && node !== undefined && this.#proxies.has(node.peer)) {
      first -= 1;
      const hop = hops[first] as ForwardedHop;
      node = hop.sender;
      remoteAddress = node?.remoteAddress ?? remoteAddress;
      scheme = hop.scheme ?? client.scheme;
    }
    return { known: { remoteAddress, scheme }, hops: hops.slice(first) };
  }

  /** What else the family has. X-Real-IP passes where it names the client that is known. */
  #pushOthers(fields: string[], received: FieldList, clientIp: string): void {
    if (this.#family === "forwarded") {
      return;
    }
    for (let at = 0; at + 1 < received.length; at += 2) {
      const name = received[at] as string;
      const value = received[at + 1] as string;
      const lower = name.toLowerCase();
      if (
        lower === "x-real-ip" ? readForwardedNode(value).peer === clientIp : !written.has(lower)
      ) {
        fields.push(name, value);
      }
    }
  }
}

/** The fields that the host writes itself. */
const written: ReadonlySet<string> = new Set([
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-forwarded-prefix",
]);
