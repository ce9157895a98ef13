import type { CarrierName } from "../wire/host.js";
import type { Scene } from "./scene.js";

/** One thing that a plugin has to do. */
export interface Check {
  /** The row that it is about, and which of its checks: "Q7.reset". */
  readonly id: string;
  /** The row in a sentence. */
  readonly text: string;
  /** Default: both. */
  readonly carriers?: readonly CarrierName[];
  /** Only a plugin that the kit has started can be checked. Default: false. */
  readonly needsProcess?: boolean;
  /** Throws, in one line, where the plugin does not do it. */
  readonly run: (scene: Scene) => Promise<void>;
}
