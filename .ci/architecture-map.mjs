// Fails where the map of files in ARCHITECTURE.md names a path that doesn't exist, or leaves out a workspace. The map is
// the fenced block under "## Map of files"; the first word of each line is a path.
import { existsSync, globSync, readFileSync } from "node:fs";

const text = readFileSync("ARCHITECTURE.md", "utf8");
const map = /^## Map of files\n+(?:[^`#\n].*\n+)*```\w*\n(.*?)^```/ms.exec(text)?.[1];
if (map === undefined) {
  throw new Error('ARCHITECTURE.md has no fenced block under "## Map of files"');
}
const named = [...map.matchAll(/^\s*(\S+)/gm)].map(([, path]) => path);
const gone = named.filter((path) => !existsSync(path));
const workspaces = globSync("{packages,apps}/*/").map((path) => `${path.replace(/\/$/, "")}/`);
const unnamed = workspaces.filter((workspace) => !named.some((path) => path.startsWith(workspace)));
for (const path of gone) {
  console.log(`ARCHITECTURE.md names ${path}, which does not exist`);
}
for (const path of unnamed) {
  console.log(`ARCHITECTURE.md does not name ${path}`);
}
console.log(`${named.length} paths named`);
process.exitCode = gone.length + unnamed.length === 0 && named.length > 0 ? 0 : 1;
