// Fails where the map of files in ARCHITECTURE.md names a path that doesn't exist, or leaves out a package or an app. The
// map is the fenced block under "## Map of files"; the first word of each line is a path.
import { existsSync, readdirSync, readFileSync } from "node:fs";

const text = readFileSync("ARCHITECTURE.md", "utf8");
const map = /^## Map of files\n+```\w*\n(.*?)^```/ms.exec(text)?.[1] ?? "";
const named = Array.from(map.matchAll(/^\s*(\S+)/gm), ([, path]) => path);
const workspaces = ["packages", "apps"].flatMap((directory) =>
  readdirSync(directory).map((name) => `${directory}/${name}/`),
);
const gone = named.filter((path) => !existsSync(path));
const leftOut = workspaces.filter((workspace) => !named.some((path) => path.startsWith(workspace)));
for (const path of gone) {
  console.log(`ARCHITECTURE.md names ${path}, which does not exist`);
}
for (const path of leftOut) {
  console.log(`ARCHITECTURE.md does not name ${path}`);
}
console.log(`${named.length} paths in the map of files`);
process.exitCode = named.length === 0 || gone.length + leftOut.length > 0 ? 1 : 0;
