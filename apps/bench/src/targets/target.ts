import type { HostMemory } from "../programs/announce.js";

/** Something that carries requests from a loopback port to the bench's plugin. */
export interface Target {
  /** As in tables and in `--target`. */
  readonly name: string;
  /**
   * Whether it takes part only in cases that name it: it carries bytes and knows no HTTP, or has
   * another plugin than the others. Default: no.
   */
  readonly namedOnly?: boolean;
  /** Why it can't run on this machine. Undefined if it can. */
  missing(): Promise<string | undefined>;
  start(options?: StartOptions): Promise<RunningTarget>;
}

export interface StartOptions {
  /**
   * Flags for Node, in front of the program of a host. Ignored if the host is not a Node program.
   */
  readonly hostExecArgv?: readonly string[];
  /** The same for the plugin. */
  readonly pluginExecArgv?: readonly string[];
}

/** Processes that run until they are disposed of. */
export interface RunningTarget extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** What stands before the handler's paths: "" or "/plugins/bench". */
  readonly prefix: string;
  /** The processes between client and plugin. None for direct. */
  readonly hostPids: readonly number[];
  readonly pluginPids: readonly number[];
  /**
   * Memory of the Node process that holds the clients' connections; undefined where it isn't Node.
   */
  hostMemory?(): Promise<HostMemory>;
}
