import { fileURLToPath } from "node:url";

/**
 * How to run one of the bench's programs: Node from the PATH, with a collector that can be asked to collect.
 */
export function nodeCommand(program: string, execArgv: readonly string[] = []): string[] {
  return ["node", "--expose-gc", ...execArgv, programPath(program)];
}

export function programPath(program: string): string {
  return fileURLToPath(new URL(`../programs/${program}.js`, import.meta.url));
}
