import type { ClientHttp2Session } from "node:http2";
import { ServeHTTPError } from "@servehttp/contract";
import { reconnectMs, steadyConnectionMs } from "../limits.js";

/**
 * How many sessions in a row may break at once before another is made only when it is asked for.
 */
const brokenMax = 2;

/** What a `KeptSession` needs. */
export interface KeptSessionOptions {
  /** Makes another session. Rejects where that fails. */
  readonly connect: (signal: AbortSignal) => Promise<ClientHttp2Session>;
  /** A clock that only goes forward, in milliseconds. */
  readonly nowMs: () => number;
}

/**
 * A connection of `node:http2` that is made anew when the other end closes it. Servers close
 * connections by age or because they are idle, which is no loss. The connection is lost when it
 * can't be made anew.
 *
 *   connected  -> connecting [the session closes, or the other end says that it is going]
 *   connecting -> connected
 *   connecting -> lost       [it can't be made]
 *   any        -> closed     [close]
 */
export class KeptSession {
  readonly #options: KeptSessionOptions;
  #session: Promise<ClientHttp2Session> | undefined;
  /** Every session that has not closed. */
  readonly #sessions = new Set<ClientHttp2Session>();
  readonly #lost = Promise.withResolvers<ServeHTTPError>();
  readonly #closing = new AbortController();
  /** How many sessions in a row broke at once. */
  #broken = 0;

  /** Keeps a session that is connected. */
  constructor(session: ClientHttp2Session, options: KeptSessionOptions) {
    this.#options = options;
    this.#session = Promise.resolve(session);
    this.#keep(session);
  }

  /**
   * Resolves when the session can't be made anew. Never rejects. The code is `plugin-closing` where
   * the other end said that it is going, else `connection-lost`.
   */
  get lost(): Promise<ServeHTTPError> {
    return this.#lost.promise;
  }

  /** The session, once it is connected. Rejects where it can't be made, or `close` was called. */
  session(): Promise<ClientHttp2Session> {
    this.#session ??= this.#makeAnew(new ServeHTTPError("connection-lost", lostMessage));
    return this.#session;
  }

  /** Closes it at once, or when everything asked on it is answered. */
  close(how: "drained" | "now"): void {
    this.#closing.abort(new ServeHTTPError("connection-lost", "the connection was closed"));
    for (const session of this.#sessions) {
      if (how === "now") {
        session.destroy();
      } else {
        session.close();
      }
    }
  }

  #keep(session: ClientHttp2Session): void {
    this.#sessions.add(session);
    const sinceMs = this.#options.nowMs();
    const onGone = (reason: ServeHTTPError) => {
      session.off("goaway", onGoaway);
      session.off("close", onClose);
      this.#session = undefined;
      const heldMs = this.#options.nowMs() - sinceMs;
      this.#broken = heldMs < steadyConnectionMs ? this.#broken + 1 : 0;
      // Sessions that always break would be made and lost in a circle. The next call makes one
      // instead.
      if (!this.#closing.signal.aborted && this.#broken < brokenMax) {
        this.#session = this.#makeAnew(reason);
      }
    };
    const onGoaway = (code: number) => {
      const codeOf = code === 0 ? "plugin-closing" : "connection-lost";
      onGone(new ServeHTTPError(codeOf, code === 0 ? "the plugin is closing" : lostMessage));
    };
    let cause: Error | undefined;
    const onClose = () => onGone(new ServeHTTPError("connection-lost", lostMessage, { cause }));
    session.once("goaway", onGoaway);
    session.once("close", onClose);
    session.once("close", () => this.#sessions.delete(session));
    session.on("error", (error) => {
      cause = error;
    });
    if (session.destroyed) {
      onClose();
    }
  }

  #makeAnew(reason: ServeHTTPError): Promise<ClientHttp2Session> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(reconnectMs)]);
    const making = this.#options.connect(signal).then(
      (session) => {
        this.#keep(session);
        return session;
      },
      (error: unknown) => {
        this.#session = undefined;
        this.#lost.resolve(reason);
        throw error;
      },
    );
    // Whoever waits for the session hears of it; `lost` tells the others.
    making.catch(() => undefined);
    return making;
  }
}

const lostMessage = "the connection to the plugin was lost";
