import type { InstanceAddress, PluginStatus } from "@servehttp/host-bridge";

/** What a fault run asks of its host. */
export type HostCommand =
  | { readonly name: "start" | "stop" | "plugins" }
  | { readonly name: "reload"; readonly id: string }
  /** Tells where the instances of plugins with `discover: "told"` are. */
  | { readonly name: "addresses"; readonly addresses: readonly InstanceAddress[] };

/** A command on its way to the host's process. */
export interface HostCall {
  readonly call: number;
  readonly command: HostCommand;
}

/** From the host's process: where it listens, once; then an answer for each call. */
export type FromHost =
  | { readonly kind: "listening"; readonly http1Port: number; readonly http2Port: number }
  | {
      readonly kind: "answer";
      readonly call: number;
      /** Why the command failed, if it did. */
      readonly error?: string;
      /** As they were when the command was done. */
      readonly plugins: readonly SentStatus[];
    };

/** A plugin's status after its way through JSON: its dates are strings. */
export type SentStatus = Pick<
  PluginStatus,
  "id" | "state" | "pid" | "restarts" | "inFlight" | "waiting" | "tunnels" | "outcomes"
> & { readonly failures: readonly { readonly code: string; readonly message: string }[] };
