import { createHash } from "node:crypto";
import type { ServeHTTPError } from "@servehttp/contract";
import type { HeaderFields } from "../wire/header-fields.js";
import type { RpcListener } from "../mux/rpc-stream.js";

/** Records what an RPC tells, and checks that it keeps the rules of `RpcListener`. */
export class RpcRecorder implements RpcListener {
  readonly heads: HeaderFields[] = [];
  readonly ends: HeaderFields[] = [];
  /** The errors with which it was told that all is over, one for each time. */
  readonly closings: (ServeHTTPError | undefined)[] = [];
  /** What the RPC must not do, and did. */
  readonly faults: string[] = [];
  goaways = 0;
  bytes = 0;
  onData: ((octets: Buffer) => void) | undefined;
  onEnd: (() => void) | undefined;
  readonly #hash = createHash("sha256");

  receiveHead(fields: HeaderFields): void {
    this.#note("a head");
    this.heads.push(fields);
  }

  receiveData(octets: Buffer): void {
    this.#note("data");
    this.bytes += octets.length;
    this.#hash.update(octets);
    this.onData?.(octets);
  }

  receiveEnd(trailers: HeaderFields): void {
    this.#note("an end");
    this.ends.push(trailers);
    this.onEnd?.();
  }

  receiveGoaway(): void {
    this.goaways += 1;
  }

  closed(error: ServeHTTPError | undefined): void {
    this.closings.push(error);
  }

  /** The hash of all bytes. Read once. */
  get hash(): string {
    return this.#hash.digest("hex");
  }

  #note(what: string): void {
    if (this.closings.length > 0 || this.ends.length > 0) {
      this.faults.push(`${what} behind the end`);
    }
  }
}
