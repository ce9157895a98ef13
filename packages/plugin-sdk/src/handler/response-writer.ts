import type { Duplex } from "node:stream";
import type { HeaderList } from "./header-list.js";
import type { HeadersInput, WriteHeadHeaders } from "./read-headers.js";

/** What `hijack()` gives: the client's connection. */
export interface HijackedConnection {
  /**
   * Raw bytes both ways; each way ends on its own. The plugin writes every byte that the client
   * sees, the status line included.
   */
  readonly socket: Duplex;
  /** What the client sent behind its request. It comes before what `socket` reads. Often empty. */
  readonly head: Buffer;
}

/**
 * A response, as a handler writes it. The head is *committed* by the first of `writeHead` with a
 * final status, `write`, `flush`, `end` and `hijack`. From then on changes of `headers` have no
 * effect.
 *
 * Methods that return a promise reject with a ServeHTTPError: `already-ended` after the end,
 * `already-hijacked` after a hijack, the reason of `request.signal` when the exchange was given up.
 * A rejection that nothing handles does no harm.
 */
export interface ResponseWriter {
  /**
   * The header section. The host drops framing and hop-by-hop fields: they are its own business.
   */
  readonly headers: HeaderList;

  /**
   * The trailer section, sent with the end (RFC 9110, section 6.5). The host drops fields that
   * frame, route or authenticate.
   */
  readonly trailers: HeaderList;

  /** Whether the head is committed. */
  readonly committed: boolean;

  /**
   * Commits the head. It goes out with the first `write`, `flush` or `end`. A second call is
   * ignored, with a line in the log.
   *
   * The statuses 100 and 102 to 199 send an informational response instead, and leave the final one
   * open, as Go's `WriteHeader` does.
   *
   * @param status 200 to 999; without a call it is 200. Another one makes the exchange fail: the
   *   client gets 500, and the log says why. `hijack` is what sends 101.
   * @param reason The reason phrase that a client of HTTP/1 sees behind the status (RFC 9112,
   *   section 4), at most 256 bytes, one character a byte. Default: the usual one of the status.
   *   HTTP/2 has none, nor has an informational response here.
   * @param headers In the shapes that `writeHead` of Node's takes, and `Headers` of fetch. They
   *   replace those of the same names in `headers`; those of an informational response go with that
   *   one alone.
   * @throws ServeHTTPError `invalid-argument` for a reason phrase or headers that HTTP does not
   *   allow, and then nothing is committed. For an informational status, what `informational`
   *   rejects with.
   */
  writeHead(status: number, headers?: WriteHeadHeaders): void;
  writeHead(status: number, reason: string | undefined, headers?: WriteHeadHeaders): void;

  /**
   * Sends a piece of the body. Resolves when there is room for more: a handler that awaits it goes
   * at the pace of the client. The bytes must not be changed afterwards. A piece of 0 bytes sends
   * the head alone.
   *
   * @param chunk Bytes, or a string that is sent as UTF-8.
   * @throws ServeHTTPError `invalid-argument`, at once, for anything else
   */
  write(chunk: Uint8Array | string): Promise<void>;

  /**
   * Sends what was written so far to the client now, at least the head. Only a host that compresses
   * responses keeps something back.
   */
  flush(): Promise<void>;

  /**
   * Sends an informational response (RFC 9110, section 15.2): 103 with `Link`, 102, or 100, which
   * asks for the body of a client that waits for it, as the first read of the body does. An
   * exchange has at most 16.
   *
   * Rejects with `already-committed` after the final head; with `invalid-argument` for another
   * status than 100 and 102 to 199, for a field that HTTP does not allow, and for the 17th.
   *
   * @param fields Its headers. Default: none.
   */
  informational(status: number, fields?: HeadersInput): Promise<void>;

  /**
   * Ends the response, with the trailers. A handler that returns without a call ends it, too.
   *
   * @param chunk The last piece of the body, as `write` takes it. Default: none.
   * @throws ServeHTTPError `invalid-argument`, at once, for a chunk that is neither a Uint8Array
   *   nor a string
   */
  end(chunk?: Uint8Array | string): Promise<void>;

  /**
   * Takes over the client's connection, as for a WebSocket. `headers` are not sent. The connection
   * lives until both ways have ended or one side destroys it. When the handler returns, a
   * connection to which nothing listens (`data`, `readable`, a pipe) ends behind what was written;
   * any other lives on.
   *
   * Rejects with `already-hijacked`, with `already-committed`, and with `hijack-not-possible` where
   * the client's connection carries other requests as well (HTTP/2) or the host does not allow this
   * upgrade. The exchange can then still be answered.
   */
  hijack(): Promise<HijackedConnection>;

  /**
   * Gives this exchange more time for its head, up to the host's own cap. Has no effect after the
   * commit.
   *
   * @param ms How long, in milliseconds from now: a whole number from 1 to 4,294,967,295.
   * @throws ServeHTTPError `invalid-argument` for anything else
   */
  extendHeadDeadline(ms: number): void;
}
