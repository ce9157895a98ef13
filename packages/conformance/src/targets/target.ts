import type { ObservationServer, ObservedProcess } from "../observation/observation-server.js";
import type { TargetName } from "./target-names.js";

/** A running target. */
export interface Target extends AsyncDisposable {
  readonly name: TargetName;
  readonly bridged: boolean;
  readonly http1Port: number;
  /** HTTP/2 without TLS, prior knowledge. */
  readonly http2Port: number;
  /** HTTP/1.1, the host as Connect middleware that is mounted at `/sub`; 0 on the direct target. */
  readonly mountedPort: number;
  /** HTTP/1.1, a host whose plugins are switched off; 0 on the direct target. */
  readonly disabledPort: number;
  /** The prefix of paths: empty, or `/plugins/conformance`. */
  readonly base: string;
  readonly observation: ObservationServer;
  /** The process that clients connect to: the host, or the direct server. */
  front(): Promise<ObservedProcess>;
  /** The process that runs the handlers: the plugin, or the direct server. */
  plugin(): Promise<ObservedProcess>;
  /** The lines that the host has logged so far. */
  readonly log: readonly string[];
}
