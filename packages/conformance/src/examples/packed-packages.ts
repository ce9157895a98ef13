import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../../../", import.meta.url));

/**
 * Packs every package that would be published, as it stands in `dist`, into a directory.
 *
 * @returns the paths of the tarballs
 */
export async function packPackages(directory: string): Promise<readonly string[]> {
  const names = readdirSync(`${root}packages`).filter((name) => {
    const manifest = readFileSync(`${root}packages/${name}/package.json`, "utf8");
    return (JSON.parse(manifest) as { private?: boolean }).private !== true;
  });
  const workspaces = names.map((name) => `--workspace=packages/${name}`);
  const args = ["pack", "--silent", "--pack-destination", directory, ...workspaces];
  await promisify(execFile)("npm", args, { cwd: root });
  return readdirSync(directory)
    .filter((name) => name.endsWith(".tgz"))
    .map((name) => `${directory}/${name}`);
}
