/**
 * The whole names that a name may stand for, in the order in which they are asked for: by `search`
 * (or `domain`) and `options ndots` of a resolv.conf, as resolv.conf(5) has it. A name with a dot at
 * the end is whole.
 */
export function searchNames(name: string, resolvConf: string): readonly string[] {
  if (name.endsWith(".")) {
    return [name];
  }
  let domains: readonly string[] = [];
  let ndots = 1;
  for (const line of resolvConf.split("\n")) {
    const [keyword, ...words] = line.trim().split(/\s+/);
    if (keyword === "search" || keyword === "domain") {
      // The last one counts.
      domains = words.filter((word) => word !== ".").map((word) => word.replace(/\.$/, ""));
    } else if (keyword === "options") {
      const [, dots] =
        /^ndots:(\d+)$/.exec(words.findLast((word) => /^ndots:\d+$/.test(word)) ?? "") ?? [];
      ndots = dots === undefined ? ndots : Math.min(Number(dots), ndotsMax);
    }
  }
  const searched = domains.map((domain) => `${name}.${domain}`);
  const dots = name.split(".").length - 1;
  return dots >= ndots ? [name, ...searched] : [...searched, name];
}

/** As in resolv.conf(5). */
const ndotsMax = 15;
