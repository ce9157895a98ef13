import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Where the proxies are put, and found again by the next run. Nothing is installed in the system,
 * so no service is started.
 */
const shelf = join(tmpdir(), "servehttp-proxies");

/**
 * Fetches packages of Debian with what they need, and unpacks them. Needs apt's lists
 * (`apt-get update`), and no rights.
 *
 * @returns the directory that stands for `/`
 */
export async function debianPackages(...names: readonly string[]): Promise<string> {
  return onShelf(names.join("+"), async (directory) => {
    const { stdout } = await run("apt-get", [
      "install",
      "--print-uris",
      "-qq",
      "--no-install-recommends",
      ...names,
    ]);
    const archives = Array.from(
      stdout.matchAll(/^'[^']*' ([^_\s]+)_\S+\.deb /gm),
      ([, name = ""]) => name,
    );
    const packages = new Set([...archives, ...names]);
    const downloads = join(directory, "archives");
    await mkdir(downloads);
    await run("apt-get", ["download", "-qq", ...packages], { cwd: downloads });
    for (const archive of await readdir(downloads)) {
      // oxlint-disable-next-line no-await-in-loop
      await run("dpkg", ["-x", join(downloads, archive), directory]);
    }
    await rm(downloads, { recursive: true });
  });
}

/** The environment in which a program of `debianPackages` finds its libraries. */
export function debianEnvironment(root: string): NodeJS.ProcessEnv {
  const libraries = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib/varnish"];
  return {
    ...process.env,
    LD_LIBRARY_PATH: libraries.map((path) => join(root, path)).join(":"),
  };
}

/**
 * Fetches a package of PyPI, without what it needs.
 *
 * @returns the directory with its files
 */
export async function pythonPackage(name: string, version: string): Promise<string> {
  return onShelf(`${name}-${version}`, async (directory) => {
    await run("python3", [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--no-deps",
      "--disable-pip-version-check",
      "--target",
      directory,
      `${name}==${version}`,
    ]);
  });
}

/**
 * Builds a program from its Go modules, which needs Go and, the first time, minutes.
 *
 * @returns where the program is
 */
export async function goProgram(path: string, version: string): Promise<string> {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const directory = await onShelf(`${name}-${version}`, async (GOBIN) => {
    await run("go", ["install", `${path}@${version}`], { env: { ...process.env, GOBIN } });
  });
  return join(directory, name);
}

/** A directory that is filled once. */
async function onShelf(name: string, fill: (directory: string) => Promise<void>): Promise<string> {
  const directory = join(shelf, name);
  const filled = join(directory, ".filled");
  if (!existsSync(filled)) {
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true });
    await fill(directory);
    await writeFile(filled, "");
  }
  return directory;
}
