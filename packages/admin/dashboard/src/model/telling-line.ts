/** What runtimes print behind the error that ended a process: it tells nothing. */
const farewell = /^(?:\s*at |\s*\^|Node\.js v\d|goroutine \d|exit status \d|note: run with)/;
const complaint = /\b(?:\w*error|\w*exception|panic|panicked|fatal|failed|cannot|refused)\b/i;

/**
 * The line of a plugin's last words that says most of why it ended: the last that complains of
 * something, or else the last one. Undefined: it said nothing.
 */
export function tellingLine(words: readonly string[]): string | undefined {
  const said = words.filter((line) => line.trim() !== "" && !farewell.test(line));
  return said.findLast((line) => complaint.test(line)) ?? said.at(-1) ?? words.at(-1);
}
