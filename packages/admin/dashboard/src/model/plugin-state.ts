/** The states of a plugin, as the host names them. */
export type PluginState =
  | "starting"
  | "ready"
  | "draining"
  | "backing-off"
  | "failed"
  | "stopping"
  | "stopped"
  | "in-process";

/** How a state looks: each has a colour, a shape and a way to draw its line. */
export type Tone = "live" | "wait" | "bad" | "still";

export interface StateLook {
  readonly tone: Tone;
  /** What the page calls it. */
  readonly word: string;
  /** Goes on behind the plugin's name: "notes is ready". */
  readonly says: string;
}

const looks: Readonly<Record<PluginState, StateLook>> = {
  ready: { tone: "live", word: "Ready", says: "is ready" },
  "in-process": { tone: "live", word: "In the host", says: "runs in the host's process" },
  starting: { tone: "wait", word: "Starting", says: "is starting" },
  draining: { tone: "wait", word: "Draining", says: "finishes what is open" },
  stopping: { tone: "wait", word: "Stopping", says: "is stopping" },
  "backing-off": { tone: "bad", word: "Waits to restart", says: "failed and will start again" },
  failed: { tone: "bad", word: "Failed", says: "has failed and is not started again" },
  stopped: { tone: "still", word: "Stopped", says: "is stopped" },
};

/** A state that a newer host may have and this page doesn't know is shown by its own name. */
export function lookOf(state: string): StateLook {
  return Object.hasOwn(looks, state)
    ? looks[state as PluginState]
    : { tone: "wait", word: state, says: `is ${state}` };
}
