import type { ListenOptions } from "node:net";

/** What stands between the clients of a test file and its servers. */
export type Way = "hop" | "bridge";

/** The variable of the environment that tells the preload which way. Without it, it does nothing. */
export const wayVariable = "SERVEHTTP_NODE_SUITE_WAY";
/** The same for the directory of its sockets. */
export const directoryVariable = "SERVEHTTP_NODE_SUITE_DIRECTORY";

/** The descriptor, in the test's process, on which it asks and waits for the answer. */
export const askFd = 3;
/** The descriptor, in the test's process, on which it is told what happened later. */
export const tellFd = 4;

/** What the process of a test asks, one JSON line each, answered by one. */
export type Question =
  | {
      readonly kind: "listen";
      /** Numbers the servers of the process. */
      readonly server: number;
      /** Where its clients are to find it. */
      readonly options: Pick<ListenOptions, "port" | "host" | "path" | "backlog">;
      /** The unix socket behind which it is. */
      readonly socketPath: string;
    }
  /** The server, or its plugin, listens at its socket. */
  | { readonly kind: "serve"; readonly server: number }
  | { readonly kind: "close"; readonly server: number }
  | { readonly kind: "close connections"; readonly server: number; readonly which: "all" | "idle" }
  | { readonly kind: "count connections"; readonly server: number };

export type Answer =
  | { readonly kind: "done" }
  | { readonly kind: "address"; readonly address: string | object | null }
  | { readonly kind: "count"; readonly count: number }
  | {
      readonly kind: "error";
      readonly message: string;
      readonly details: Readonly<Record<string, unknown>>;
    };

/** What the process of a test is told, one JSON line each. */
export interface Told {
  readonly server: number;
  /** `ready`: requests reach the server. `closed`: all connections of clients have ended. */
  readonly event: "ready" | "closed";
}
