// Where the project lives stands once, in the root's package.json: `repository` and `homepage`. Each
// published package has to say it too, because npm proves by it where a package was built. The path
// of the Go module is an address as well: it stands in each of its files.
//
//   home-address.mjs            writes it into the published packages, and where Go needs it
//   home-address.mjs --check    fails if they say something else
//   home-address.mjs --release  fails as well where the root says nothing yet
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { publishedPackages } from "./published-packages.mjs";

const [mode] = process.argv.slice(2);
const root = JSON.parse(readFileSync("package.json", "utf8"));

if (mode === "--release" && root.repository?.url === undefined) {
  console.error("package.json has no repository.url: RELEASING.md says what to fill in");
  process.exit(1);
}

for (const directory of publishedPackages()) {
  const path = `${directory}/package.json`;
  const given = readFileSync(path, "utf8");
  const wanted = `${JSON.stringify(withAddress(JSON.parse(given), directory), null, 2)}\n`;
  if (given !== wanted && mode !== undefined) {
    console.error(`${path} has another home than package.json: npm run home`);
    process.exit(1);
  }
  writeFileSync(path, wanted);
}

const modulePath = /^module (\S+)$/m.exec(readFileSync("sdks/go/go.mod", "utf8"))[1];
const wantedPath = goModulePath();
if (modulePath !== wantedPath && mode !== undefined) {
  console.error(`the Go module is ${modulePath}, and has to be ${wantedPath}: npm run home`);
  process.exit(1);
}
if (modulePath !== wantedPath) {
  const naming = execFileSync("git", ["grep", "-lF", modulePath], { encoding: "utf8" });
  for (const path of naming.trim().split("\n")) {
    writeFileSync(path, readFileSync(path, "utf8").replaceAll(modulePath, wantedPath));
  }
}

/** Where `go get` finds the module: its folder in the repository. Until there is one, no address. */
function goModulePath() {
  const repository = root.repository?.url ?? "https://servehttp.example";
  return `${repository.replace(/^(?:git\+)?\w+:\/\//, "").replace(/\.git$/, "")}/sdks/go`;
}

/** A package's description with the root's address, in the order that npm's own tools write. */
function withAddress(
  { repository: _repository, homepage: _homepage, bugs: _bugs, ...rest },
  directory,
) {
  if (root.repository === undefined) {
    return rest;
  }
  const address = {
    ...(root.homepage !== undefined && { homepage: root.homepage }),
    ...(root.bugs !== undefined && { bugs: root.bugs }),
    repository: { ...root.repository, directory },
  };
  const entries = Object.entries(rest);
  const at = entries.findIndex(([name]) => name === "license");
  return Object.fromEntries(entries.toSpliced(at, 0, ...Object.entries(address)));
}
