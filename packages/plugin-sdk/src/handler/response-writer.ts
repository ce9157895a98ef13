import type { Duplex } from "node:stream";
import type { HeaderList } from "./header-list.js";

/** What `hijack()` gives: the client's connection. */
export interface HijackedConnection {
  /** Raw bytes both ways, each way ends on its own. The plugin writes all that the client sees, the status line included. */
  readonly socket: Duplex;
  /** What the client had sent behind its request already; comes before what `socket` reads. Often empty. */
  readonly head: Buffer;
}

/**
 * A response, as a handler writes it. The head is *committed* by the first of `writeHead` with a final status, `write`, `flush`,
 * `end` and `hijack`; from then on changes of `headers` have no effect.
 *
 * What returns a promise rejects with a ServeHTTPError: `already-ended` after the end, `already-hijacked` after a
 * hijack, the reason of `request.signal` when the exchange was given up. A promise that nobody looks at does no harm.
 */
export interface ResponseWriter {
  /** The header section. Framing and hop-by-hop fields are the host's business and are dropped there. */
  readonly headers: HeaderList;

  /** The trailer section, sent with the end. Fields that frame, route or authenticate are dropped by the host. */
  readonly trailers: HeaderList;

  /** Whether the head is settled. */
  readonly committed: boolean;

  /**
   * Commits the head with a status of 200 to 999. It goes out with the first `write`, `flush` or `end`; without a call the
   * status is 200. A second call is ignored, with a line in the log.
   *
   * 100 and 102 to 199 send an informational response with the headers as they are, and leave the final one open
   * (Go's `WriteHeader` does the same); it throws what `informational` rejects with. 101 is what `hijack` is for. Any other
   * status makes the exchange fail: the client sees 500, the log says why.
   */
  writeHead(status: number): void;

  /**
   * Sends bytes, or a string as UTF-8. Resolves when there is room for more: await it, and a slow client slows
   * the handler down. Don't change the bytes afterwards. A write of nothing sends the head alone. Throws a
   * ServeHTTPError `invalid-argument` for what is neither a Uint8Array nor a string.
   */
  write(chunk: Uint8Array | string): Promise<void>;

  /** Sends what was written so far, the head at least, to the client now. Does nothing that `write` hasn't where the host never waits. */
  flush(): Promise<void>;

  /**
   * Sends an interim response (RFC 9110, section 15.2), at most 16 in an exchange: 103 with `Link`, 102, or 100, which
   * asks for the body of a client that waits (reading the body does so too).
   * Rejects with `already-committed` behind the final head, with `invalid-argument` for another status, a bad field, or a 17th.
   */
  informational(status: number, fields?: Iterable<readonly [string, string]>): Promise<void>;

  /** Ends the response, with these last bytes where given, and the trailers. A handler that returns without it ends the response, too. */
  end(chunk?: Uint8Array | string): Promise<void>;

  /**
   * Takes the client's connection over, as for a WebSocket; headers are not sent. It lives until both ways have ended or
   * one side destroys it. When the handler returns, a connection that nobody listens to (`data`, `readable`, a pipe) ends
   * behind what was written; any other lives on.
   *
   * Rejects with `already-hijacked`, `already-committed`, or `hijack-not-possible` where the client's connection carries
   * other requests as well (HTTP/2); the exchange can then still be answered.
   */
  hijack(): Promise<HijackedConnection>;

  /**
   * Gives this exchange so many milliseconds more for its head, counted from now, up to a cap of the host's.
   * Does nothing after the commit. Throws a ServeHTTPError `invalid-argument` for what is no positive integer below 2^32.
   */
  extendHeadDeadline(ms: number): void;
}
