import { createRequire } from "node:module";

/** A JavaScript engine that plugins and hosts run on. */
export interface Engine {
  readonly name: "node" | "bun" | "deno";
  /** The command that runs a script on it. */
  readonly command: readonly string[];
  /** What it needs of its environment. */
  readonly env: Readonly<Record<string, string>>;
}

const { resolve } = createRequire(import.meta.url);

export const node: Engine = { name: "node", command: [process.execPath], env: {} };

/**
 * Node, and on Linux x64, for which they come with the npm packages, Bun and Deno. Those are the packages of the platform: the
 * packages `bun` and `deno` themselves want to run a script when they are installed.
 */
export const engines: readonly Engine[] =
  process.platform === "linux" && process.arch === "x64" ? [node, bun(), deno()] : [node];

function bun(): Engine {
  return { name: "bun", command: [resolve("@oven/bun-linux-x64/bin/bun")], env: {} };
}

/** Everything is allowed, and nothing is written beside the project. */
function deno(): Engine {
  return {
    name: "deno",
    command: [resolve("@deno/linux-x64-glibc/deno"), "run", "--quiet", "--allow-all", "--no-lock"],
    env: { DENO_NO_UPDATE_CHECK: "1" },
  };
}
