import type { CollectedMetrics } from "@servehttp/admin/metrics";

/** What the command tells a worker. Messages of the hosts in both have a key `servehttp` instead. */
export type ToWorker =
  /** A client's connection, with its socket; `listener` counts the addresses of the settings. */
  | { readonly command: "connection"; readonly listener: number }
  /** Read the config anew, and come to what it says. */
  | { readonly command: "reload" }
  /** Each connection closes with its next response; others come. */
  | { readonly command: "close-behind-responses" }
  /** Another process gets all new connections: each one here closes with its next response. */
  | { readonly command: "retire"; readonly ms: number }
  /** Say what was measured so far. */
  | { readonly command: "collect-metrics" }
  /** Let what runs end, and end. */
  | { readonly command: "drain" }
  /** Break what runs, and end. */
  | { readonly command: "stop" };

/** What a worker tells the command. */
export type FromWorker =
  /** It takes connections. */
  | { readonly worker: "listening" }
  /** Its plugins are connected, or have failed. */
  | { readonly worker: "started" }
  /** It came to what the config says; or why not. */
  | { readonly worker: "reloaded"; readonly error: string | undefined }
  /** No connection is open any more, or they have had their time. */
  | { readonly worker: "retired" }
  /** It was told to end by somebody else, and takes no more connections. */
  | { readonly worker: "leaving" }
  /** It breaks what runs: so many requests. */
  | { readonly worker: "breaking"; readonly inFlight: number }
  /** A record of its log: one line of JSON. */
  | { readonly worker: "log"; readonly record: string }
  /** What it has measured so far: because it was asked, and before it ends. */
  | { readonly worker: "metrics"; readonly metrics: CollectedMetrics | undefined }
  /** Why it ends. */
  | { readonly worker: "failed"; readonly message: string };

/** A message of the other process's, unless it is one of the hosts'. */
export function commandMessage(message: unknown, key: "command"): ToWorker | undefined;
export function commandMessage(message: unknown, key: "worker"): FromWorker | undefined;
export function commandMessage(
  message: unknown,
  key: "command" | "worker",
): ToWorker | FromWorker | undefined {
  return typeof message === "object" && message !== null && key in message
    ? (message as ToWorker | FromWorker)
    : undefined;
}
