import type { PluginStatus } from "@servehttp/host-bridge";

/** What a host says of itself on its control socket. */
export interface HostStatus {
  readonly version: string;
  readonly pid: number;
  /** When it was started, in ISO 8601. */
  readonly since: string;
  /** Its working directory. */
  readonly directory: string;
  /** The path of its config; null: none. */
  readonly config: string | null;
  readonly urls: readonly string[];
  /** The processes that serve connections, in a fixed order; none: that process does. */
  readonly workers: readonly { readonly pid: number; readonly state: string }[];
  /** As `host.plugins`, with dates in ISO 8601. */
  readonly plugins: readonly PluginJson[];
}

/** A plugin's status as JSON has it. */
export type PluginJson = Omit<PluginStatus, "since" | "failures" | "pid" | "carrier"> & {
  readonly since: string;
  readonly pid?: number;
  readonly carrier?: string;
  readonly failures: readonly { readonly at: string; readonly message: string }[];
};

/** What went wrong, as the control socket answers it. */
export interface ControlFailure {
  readonly error: string;
  /** What the command that asked ends with. */
  readonly exitCode: 1 | 2;
}

/** Asks a host to leave its sockets to a new one. */
export interface UpgradeRequest {
  /** How the new one is run, without the arguments of the present one. */
  readonly program: readonly string[];
}
