import { execFile } from "node:child_process";
import { cp } from "node:fs/promises";
import { delimiter, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { TemporaryDirectory } from "@servehttp/testkit";
import type { Chromium } from "@servehttp/testkit/chromium";
import { type ExampleManifest, exampleManifest } from "./example-manifest.js";
import { ExampleSite, type ExampleMode } from "./example-site.js";

const examples = fileURLToPath(new URL("../../../../examples/", import.meta.url));

/** The most that a build prints before it counts as failed: 16 MiB. */
const outputBytesMax = 16_777_216;

/**
 * A copy of an example, installed from its registry and from our tarballs, and built: what somebody
 * has who follows its README.
 */
export class InstalledExample implements AsyncDisposable {
  readonly #directory: TemporaryDirectory;
  readonly #browser: Chromium;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(directory: TemporaryDirectory, browser: Chromium) {
    this.#directory = directory;
    this.#browser = browser;
    this.#environment = environment();
  }

  /** @throws Error with the output of npm where it can't be installed or built */
  static async create(
    name: string,
    tarballs: readonly string[],
    browser: Chromium,
  ): Promise<InstalledExample> {
    await using failed = new AsyncDisposableStack();
    const directory = failed.use(await TemporaryDirectory.make());
    await cp(examples + name, directory.path, { recursive: true });
    const installed = new InstalledExample(directory, browser);
    await installed.#npm("install", "--no-audit", "--no-fund", "--save-exact", ...tarballs);
    const { scripts }: ExampleManifest = exampleManifest(name);
    if (scripts["build"] !== undefined) {
      await installed.#npm("run", "build");
    }
    failed.move();
    return installed;
  }

  /** Starts its host; resolves when it has told its address. */
  start(mode: ExampleMode): Promise<ExampleSite> {
    return ExampleSite.start(mode, this.#directory.path, this.#environment, this.#browser);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory[Symbol.asyncDispose]();
  }

  async #npm(...args: string[]): Promise<void> {
    const { path: cwd } = this.#directory;
    const options = { cwd, env: this.#environment, maxBuffer: outputBytesMax };
    try {
      await promisify(execFile)("npm", args, options);
    } catch (thrown) {
      const { stdout, stderr } = thrown as { stdout: string; stderr: string };
      throw new Error(`npm ${args.join(" ")}: ${stdout}\n${stderr}`, { cause: thrown });
    }
  }
}

/**
 * As a shell has it: without what npm and Vitest have set for this process, which would tell the
 * example's own npm and framework how to work. The `node` of its commands is this one.
 */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) =>
      !/^(?:npm_|VITEST|VITE_|TEST$|NODE_ENV$|NODE_PATH$|NODE_OPTIONS$|DEV$|PROD$|MODE$|SSR$|BASE_URL$)/.test(
        name,
      ),
  );
  return {
    ...Object.fromEntries(own),
    PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"]}`,
    CI: "true",
    NEXT_TELEMETRY_DISABLED: "1",
    ASTRO_TELEMETRY_DISABLED: "1",
    NUXT_TELEMETRY_DISABLED: "1",
  };
}
