/** ` (did you mean listen?)` where one of the known words is near to what was given, else nothing. */
export function didYouMean(given: string, known: readonly string[]): string {
  const changesMax = Math.max(1, Math.round(given.length * 0.4));
  let nearest: string | undefined;
  let fewest = changesMax + 1;
  for (const word of known) {
    const changes = changesBetween(given, word, changesMax);
    if (changes < fewest) {
      fewest = changes;
      nearest = word;
    }
  }
  return nearest === undefined ? "" : ` (did you mean ${nearest}?)`;
}

/** How many letters to add, remove or replace in a word to get another (Levenshtein's distance). */
function changesBetween(one: string, other: string, changesMax: number): number {
  if (Math.abs(one.length - other.length) > changesMax) {
    return Number.POSITIVE_INFINITY;
  }
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (const letter of one) {
    const above = row;
    row = [(above[0] ?? 0) + 1];
    for (let at = 1; at < above.length; at += 1) {
      const replaced = (above[at - 1] ?? 0) + (other[at - 1] === letter ? 0 : 1);
      row.push(Math.min(replaced, (above[at] ?? 0) + 1, (row[at - 1] ?? 0) + 1));
    }
  }
  return row.at(-1) ?? 0;
}
