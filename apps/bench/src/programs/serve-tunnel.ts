import { once } from "node:events";
import type { Duplex } from "node:stream";
import { finished } from "node:stream/promises";

import { seededBytes } from "../load/seeded-bytes.js";

/** The plugin's last word: how many bytes it has received. */
export interface TunnelAnswer {
  readonly received: number;
}

/** The head in front of what a tunnel carries. */
export const tunnelHead = "HTTP/1.1 200 OK\r\n\r\n";

/**
 * The plugin's side of a tunnel, `GET /tunnel?bytes=N`: the head, N bytes as fast as they are
 * taken, and a TunnelAnswer as JSON when the client has ended its direction. Meanwhile it reads all
 * that the client sends. `first` is the part of that that was read with the request.
 */
export async function serveTunnel(connection: Duplex, first: Buffer, url: string): Promise<void> {
  const bytes = Number(new URLSearchParams(url.slice(url.indexOf("?"))).get("bytes"));
  let received = first.length;
  connection.on("data", (chunk: Buffer) => (received += chunk.length));
  const clientEnded = finished(connection, { writable: false });
  connection.write(tunnelHead);
  await Promise.all([clientEnded, sendBytes(connection, bytes)]);
  connection.end(JSON.stringify({ received } satisfies TunnelAnswer));
}

/**
 * Writes so many bytes to a connection, waiting whenever it is full. Throws when it closes before.
 */
export async function sendBytes(connection: Duplex, bytes: number): Promise<void> {
  using closed = closeSignal(connection);
  for (let left = bytes; left > 0; left -= block.length) {
    if (!connection.write(block.subarray(0, left))) {
      await once(connection, "drain", closed);
    }
  }
}

const block = seededBytes(1).next().value;

/** Aborts when the connection closes. */
function closeSignal(connection: Duplex): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const abort = () => controller.abort();
  connection.once("close", abort);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => connection.off("close", abort),
  };
}
