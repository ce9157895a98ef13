import type { Socket } from "node:net";
import type { ProxyHeader } from "./proxy-header.js";
import { readProxyHeader } from "./read-proxy-header.js";

/** What becomes of a connection that has to begin with a header: one of these is called, once. */
export interface HeaderOutcome {
  /** The header has come. What came behind it is in the socket again, which nobody reads. */
  onHeader(header: ProxyHeader): void;
  /** There was none. The socket is destroyed. */
  onFault(reason: string): void;
  /**
   * It is closed, and nothing was wrong with what came. Whoever only looks whether somebody listens
   * does that.
   */
  onClosed(): void;
}

/** Reads the header of one connection, from its first byte on. Destroying the socket ends the wait. */
export function awaitHeader(socket: Socket, headerMs: number, outcome: HeaderOutcome): void {
  let held: Buffer = Buffer.alloc(0);
  const timer = setTimeout(() => refuse(`has not come within ${headerMs} ms`), headerMs);
  socket.on("error", ignore);
  socket.on("end", onOver);
  socket.on("close", onOver);
  socket.on("readable", onReadable);

  function onReadable(): void {
    const bytes = socket.read() as Buffer | null;
    if (bytes === null) {
      return;
    }
    held = Buffer.concat([held, bytes]);
    const header = readProxyHeader(held);
    if (header?.kind === "fault") {
      refuse(header.reason);
    } else if (header !== undefined) {
      accept(header);
    }
  }

  /** The other end has closed its way, or the connection broke. */
  function onOver(): void {
    if (held.length > 0) {
      refuse("breaks off");
    } else {
      settle();
      socket.destroy();
      outcome.onClosed();
    }
  }

  function accept(header: ProxyHeader): void {
    settle();
    if (header.bytes < held.length) {
      socket.unshift(held.subarray(header.bytes));
    }
    // A tick after the listener of `readable` is off, the socket is as if nobody had read it.
    process.nextTick(() => {
      if (socket.destroyed) {
        outcome.onClosed();
      } else {
        outcome.onHeader(header);
      }
      socket.off("error", ignore);
    });
  }

  function refuse(reason: string): void {
    settle();
    socket.destroy();
    outcome.onFault(reason);
  }

  function settle(): void {
    clearTimeout(timer);
    socket.off("end", onOver);
    socket.off("close", onOver);
    socket.off("readable", onReadable);
  }
}

function ignore(): void {
  // `close` follows.
}
