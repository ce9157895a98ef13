import { fileURLToPath } from "node:url";

/**
 * The flags of every Node process of the bench, ours and the peers' alike. V8 does not count the
 * bytes of a chunk that is still young, so a process that passes much data on lets 64 MiB of dead
 * chunks collect and then marks its whole heap; a small young generation finds them in passing. Up
 * to Node 24, a bound on its capacity also takes a third off the processor time of a proxied
 * megabyte, whoever proxies it. Node 26 refuses to start with that flag.
 */
export const nodeFlags: readonly string[] = [
  Number.parseInt(process.versions.node, 10) < 26
    ? "--scavenger-max-new-space-capacity-mb=1"
    : "--max-semi-space-size=1",
];

/**
 * The command of one of the bench's programs: Node from the PATH, with a `gc` that can be called.
 */
export function nodeCommand(program: string, execArgv: readonly string[] = []): string[] {
  return ["node", "--expose-gc", ...nodeFlags, ...execArgv, programPath(program)];
}

export function programPath(program: string): string {
  return fileURLToPath(new URL(`../programs/${program}.js`, import.meta.url));
}
