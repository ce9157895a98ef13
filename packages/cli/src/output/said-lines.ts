/**
 * What a plugin said last on standard error, indented, without the places in Node's own code that a
 * stack trace ends with.
 */
export function saidLines(stderr: readonly string[]): readonly string[] {
  return stderr.filter((line) => !/^\s+at .*\bnode:/.test(line)).map((line) => `  ${line}`);
}
