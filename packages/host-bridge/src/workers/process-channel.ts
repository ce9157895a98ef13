/**
 * A way to another process: `process` in a process that was forked, and in the one that has forked
 * it what `fork` of `node:child_process` or of `node:cluster` returns. Others may use it as well: the
 * hosts' messages are objects with a key `servehttp`.
 */
export interface ProcessChannel {
  /** Whether messages can be sent, as of a process. */
  readonly connected?: boolean;
  /** The same, as of a worker of `node:cluster`. */
  isConnected?(): boolean;
  send?(
    message: object,
    handle: undefined,
    options: undefined,
    callback: (error: Error | null) => void,
  ): boolean;
  on(event: "message", listener: (message: unknown) => void): unknown;
  on(event: "disconnect", listener: () => void): unknown;
  off(event: "message", listener: (message: unknown) => void): unknown;
  off(event: "disconnect", listener: () => void): unknown;
}

/** Changes with every message that an older host would misunderstand. */
const version = 1;

/** What came from another process. */
export type Received =
  | { readonly kind: "message"; readonly message: object }
  /** Of a host that has other messages. */
  | { readonly kind: "other-version"; readonly version: unknown };

/** Sends a message. One that can't be sent is lost: the other process is gone, which is told by itself. */
export function post(channel: ProcessChannel, message: object): void {
  if (channel.isConnected?.() ?? channel.connected) {
    channel.send?.({ servehttp: version, ...message }, undefined, undefined, () => undefined);
  }
}

/** Calls back for each message of a host's, and when there will be no more. Returns what ends it. */
export function listen(
  channel: ProcessChannel,
  onReceived: (received: Received) => void,
  onEnd: () => void,
): () => void {
  const onMessage = (message: unknown): void => {
    if (typeof message === "object" && message !== null && "servehttp" in message) {
      onReceived(
        message.servehttp === version
          ? { kind: "message", message }
          : { kind: "other-version", version: message.servehttp },
      );
    }
  };
  channel.on("message", onMessage);
  channel.on("disconnect", onEnd);
  return () => {
    channel.off("message", onMessage);
    channel.off("disconnect", onEnd);
  };
}
