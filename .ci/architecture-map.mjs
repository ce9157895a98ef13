// Checks ARCHITECTURE.md against the tree. It fails where the map of rooms names a path that
// doesn't exist or leaves out a package, an app or a room, and where the page names a file that
// doesn't exist. The map is the fenced block under "## Map of rooms"; the first word of each line
// is a path. Rooms are the folders of sources in the packages that run.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

const text = readFileSync("ARCHITECTURE.md", "utf8");
const map = /^## Map of rooms\n.*?^```\w*\n(.*?)^```/ms.exec(text)?.[1] ?? "";
const named = Array.from(map.matchAll(/^\s*(\S+)/gm), ([, path]) => path);
const files = execFileSync("git", ["ls-files"], { encoding: "utf8" })
  .split("\n")
  .filter(existsSync);

const workspaces = ["packages", "apps"].flatMap((directory) =>
  readdirSync(directory).map((name) => `${directory}/${name}/`),
);
const rooms = new Set(
  files
    .map(
      (path) =>
        /^packages\/(?:admin|carrier|cli|host-bridge|kubernetes|plugin-sdk)\/src\/[^/]+\/(?=[^/]+\.ts$)/.exec(
          path,
        )?.[0],
    )
    .filter((room) => room !== undefined && !room.endsWith("/test-rig/")),
);
const mentioned = new Set(
  Array.from(text.matchAll(/`([\w./-]+\.(?:ts|proto))`/g), ([, path]) => path),
);

const faults = [
  ...named
    .filter((path) => !existsSync(path))
    .map((path) => `the map names ${path}, which does not exist`),
  ...workspaces
    .filter((workspace) => !named.some((path) => path.startsWith(workspace)))
    .map((workspace) => `the map leaves out ${workspace}`),
  ...[...rooms]
    .filter((room) => !named.includes(room))
    .map((room) => `the map leaves out the room ${room}`),
  ...[...mentioned]
    .filter((path) => !files.some((file) => `/${file}`.endsWith(`/${path}`)))
    .map((path) => `the page names ${path}, which does not exist`),
];
for (const fault of faults) {
  console.log(`ARCHITECTURE.md: ${fault}`);
}
console.log(`${named.length} paths in the map, ${mentioned.size} files on the page`);
process.exitCode = named.length === 0 || faults.length > 0 ? 1 : 0;
