import type { CarrierName } from "../wire/host.js";
import type { Scene } from "./scene.js";

/** What is said of a check, of plugins and of hosts. */
export interface CheckInfo {
  /** The row that it is about, and which of its checks: "Q7.reset". */
  readonly id: string;
  /** The row in a sentence. */
  readonly text: string;
  /** Default: both. */
  readonly carriers?: readonly CarrierName[];
}

/** One thing that a plugin has to do. */
export interface Check extends CheckInfo {
  /** Only a plugin that the kit has started can be checked. Default: false. */
  readonly needsProcess?: boolean;
  /** Throws, in one line, where the plugin does not do it. */
  readonly run: (scene: Scene) => Promise<void>;
}
