import { readFileSync } from "node:fs";

/** The page with the configurations. */
const page = new URL("../../../../docs/behind-a-proxy.md", import.meta.url);

/**
 * The one block of code of a section of docs/behind-a-proxy.md.
 *
 * @param changes texts that the page says to replace, and what with
 * @throws Error where the page has no such block, or a text to replace is not in it
 */
export function documentedConfiguration(
  heading: string,
  changes: ReadonlyMap<string, string> = new Map(),
): string {
  const sections = readFileSync(page, "utf8").split(/^## /m);
  const section = sections.find((one) => one.startsWith(`${heading}\n`)) ?? "";
  const blocks = Array.from(section.matchAll(/^```\w+\n(.*?)^```/gms), ([, code = ""]) => code);
  const [block] = blocks;
  if (block === undefined || blocks.length > 1) {
    throw new Error(`${page.pathname} has ${blocks.length} blocks below "${heading}"`);
  }
  let text = block;
  for (const [before, after] of changes) {
    if (!text.includes(before) || !section.includes(`\`${before}\``)) {
      throw new Error(`${page.pathname} does not say to replace ${before} below "${heading}"`);
    }
    text = text.replaceAll(before, after);
  }
  return text;
}

/** Where something of a configuration is in the run, in place of where the page says. */
export interface Places {
  readonly hostPort: number;
  readonly hostSocket: string;
  readonly publicPort: number;
  /** A directory with cert.pem, key.pem and cert-and-key.pem. */
  readonly certificates: string;
  /** How long the proxy keeps idle connections. */
  readonly idleSeconds: number;
  /** How long the host does. */
  readonly hostIdleSeconds: number;
}

/** Puts the places of a run into a configuration, or into a program, of the page. */
export function placed(configuration: string, places: Places): string {
  return configuration
    .replaceAll("/run/notes/host.sock", places.hostSocket)
    .replaceAll("/etc/notes", places.certificates)
    .replaceAll(/\b8080\b/g, String(places.hostPort))
    .replaceAll(/\b8443\b/g, String(places.publicPort))
    .replaceAll(/\b60s\b/g, `${places.idleSeconds}s`)
    .replaceAll("ttl=60", `ttl=${places.idleSeconds}`)
    .replaceAll("75_000", String(places.hostIdleSeconds * 1_000));
}
