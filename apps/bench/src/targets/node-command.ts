import { fileURLToPath } from "node:url";

/**
 * The flags of every Node process of the bench, ours and the peers' alike. V8 does not count the
 * bytes of a chunk that is still young, so a process that passes much data on lets 64 MiB of dead
 * chunks collect and then marks its whole heap; a small young generation finds them in passing. It
 * halves what a proxied megabyte costs, whoever proxies it.
 */
export const nodeFlags = ["--scavenger-max-new-space-capacity-mb=1"] as const;

/**
 * The command of one of the bench's programs: Node from the PATH, with a `gc` that can be called.
 */
export function nodeCommand(program: string, execArgv: readonly string[] = []): string[] {
  return ["node", "--expose-gc", ...nodeFlags, ...execArgv, programPath(program)];
}

export function programPath(program: string): string {
  return fileURLToPath(new URL(`../programs/${program}.js`, import.meta.url));
}
