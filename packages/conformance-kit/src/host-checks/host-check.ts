import type { CheckInfo } from "../checks/check.js";
import type { HostFacts, HostScene } from "../host/host-scene.js";

/** One thing that a host has to do. */
export interface HostCheck extends CheckInfo {
  /** Only over that version of HTTP. Default: over both. */
  readonly over?: "http1" | "http2";
  /** What has to be known of the host. */
  readonly needs?: keyof HostFacts;
  /** Throws, in one line, where the host does not do it. */
  readonly run: (scene: HostScene) => Promise<void>;
}

/** The options that say what a check needs to know. */
const options: Partial<Record<keyof HostFacts, string>> = {
  identity: "--identity FIELD",
  token: "--token TOKEN",
  headSeconds: "--head-time SECONDS",
  idleSeconds: "--idle-time SECONDS",
};

/** Why a check can't be run here; undefined where it can. */
export function skippedFor({ over, needs }: HostCheck, facts: HostFacts): string | undefined {
  if (over !== undefined && (over === "http2") !== facts.isHttp2) {
    return over === "http1" ? "a check of HTTP/1.1" : "a check of HTTP/2: --http2";
  }
  return needs !== undefined && facts[needs] === undefined
    ? `say what the host is set to: ${options[needs]}`
    : undefined;
}
