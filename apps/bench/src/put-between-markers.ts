const start = "<!-- bench:start -->";
const end = "<!-- bench:end -->";

/**
 * Replaces what a Markdown page has between its markers `<!-- bench:start -->` and
 * `<!-- bench:end -->`. Appends the markers to a page that has neither. Throws where one of them is
 * missing, or where they stand in the wrong order.
 */
export function putBetweenMarkers(page: string, content: string): string {
  const block = `${start}\n${content}\n${end}`;
  const startAt = page.indexOf(start);
  const endAt = page.indexOf(end);
  if (startAt === -1 && endAt === -1) {
    return `${page.trimEnd()}\n\n${block}\n`;
  }
  if (startAt === -1 || endAt < startAt) {
    throw new Error(`${start} and ${end} belong together, in this order`);
  }
  return page.slice(0, startAt) + block + page.slice(endAt + end.length);
}
