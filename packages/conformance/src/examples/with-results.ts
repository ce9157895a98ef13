const block = /(<!-- examples:start -->\n).*?(?=<!-- examples:end -->)/s;

/**
 * A page with the results of examples, one a line, between `<!-- examples:start -->` and
 * `<!-- examples:end -->`. Examples without a new result keep their line; all are in order.
 *
 * @param results by the example's name: the other cells, with ` | ` between them
 * @throws Error where the page has no such place
 */
export function withResults(page: string, results: ReadonlyMap<string, string>): string {
  const [old] = block.exec(page) ?? [];
  if (old === undefined) {
    throw new Error("the page has no place for the results of the examples");
  }
  const earlier = Array.from(
    old.matchAll(/^\| \[([\w-]+)\]\S+ \| (.*) \|$/gm),
    ([, name = "", cells = ""]) => [name, cells] as const,
  );
  const rows = [...new Map([...earlier, ...results])]
    .toSorted(([one], [other]) => one.localeCompare(other))
    .map(([name, cells]) => `| [${name}](../examples/${name}) | ${cells} |\n`);
  const head =
    "| example | versions | on | last run | features that work |\n|---|---|---|---|---|\n";
  return page.replace(block, (_all, start: string) => start + head + rows.join(""));
}
