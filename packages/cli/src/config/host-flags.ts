import type { LogSettings } from "../output/log-settings.js";

/** What the command line says of a host. It wins over the config. */
export interface HostFlags {
  /** Pairs of id and target. */
  readonly plugin: readonly (readonly [id: string, target: string])[];
  /** The config's path. */
  readonly config?: string;
  readonly port?: number;
  readonly listen?: readonly string[];
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  /** Addresses and ranges of balancers. */
  readonly proxyProtocol?: readonly string[];
  readonly prefix?: string;
  readonly watch?: boolean;
  readonly liveReload?: boolean;
  /** The admin's address. */
  readonly admin?: string;
  /** A file's path. */
  readonly adminTokenFile?: string;
  readonly workers?: number;
  /** A file's path. */
  readonly pidFile?: string;
  readonly log?: NonNullable<LogSettings["format"]>;
  readonly logLevel?: LogSettings["level"];
  /** True: in the config's format, or JSON. */
  readonly accessLog?: "json" | "combined" | true;
}
