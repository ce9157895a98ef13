import type { Check } from "./checks.js";
import { knownDifference } from "./known-differences.js";
import type { ProxyResult } from "./run-proxy.js";

/** Whether what a check saw is as it has to be. */
export function isGoodResult(found: string): boolean {
  return ["yes", "refused", "not offered", "no such connections"].includes(found);
}

/** The table of the page: a row for each check, a column for each proxy, and notes. */
export function resultTable(results: readonly ProxyResult[], checks: readonly Check[]): string {
  const names = results.map(({ proxy, version }) => `${proxy.name} ${version}`);
  const notes: string[] = [];
  const rows = checks.map(({ name }) => {
    const cells = results.map(({ proxy, found }) => {
      const seen = found.get(name) ?? "no: not tried";
      if (isGoodResult(seen)) {
        return seen;
      }
      const why = knownDifference(proxy.name, name)?.why ?? seen;
      const known = notes.indexOf(why);
      return `no ${known < 0 ? `[${notes.push(why)}]` : `[${known + 1}]`}`;
    });
    return `| ${[name, ...cells].join(" | ")} |`;
  });
  return [
    `| | ${names.join(" | ")} |`,
    `|---|${names.map(() => "---|").join("")}`,
    ...rows,
    "",
    ...notes.map((note, index) => `${index + 1}. ${note}`),
  ].join("\n");
}
