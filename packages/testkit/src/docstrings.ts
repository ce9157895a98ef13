/**
 * The docstrings of an object's or an interface's own members, by the members' names, each as one
 * line.
 *
 * @param source the text of a file in TypeScript, as oxfmt writes it
 * @param block the line of it that begins the object or the interface
 */
export function docstringsOf(source: string, block: string): ReadonlyMap<string, string> {
  const start = source.indexOf(`\n${block}\n`);
  if (start < 0) {
    throw new Error(`no source has the line ${block}`);
  }
  const begin = start + block.length + 2;
  const body = source.slice(begin, source.indexOf("\n}", begin));
  const members = body.matchAll(/^ {2}\/\*\*(.*?)\*\/\n {2}(?:readonly )?(\$?\w+)[?:(]/gms);
  return new Map(
    Array.from(members, ([, doc = "", name = ""]) => [
      name,
      doc.replace(/\s*\n\s*\* ?/g, " ").trim(),
    ]),
  );
}
