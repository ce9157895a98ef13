import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { type Chromium, complaintsOf, type Page } from "@servehttp/testkit/chromium";

/**
 * Whether an example serves what it has built, for its place or for any, or its sources with a
 * development server.
 */
export type ExampleMode = "production" | "anywhere" | "development";

/** What its host is started with. */
const hostArguments: Readonly<Record<ExampleMode, readonly string[]>> = {
  production: [],
  anywhere: ["anywhere"],
  development: ["dev"],
};

/** An example whose host runs. Disposing of it stops the host, and the plugin with it. */
export class ExampleSite implements AsyncDisposable {
  /** What the host has told: `http://localhost:PORT/plugins/site/`, or below. */
  readonly url: URL;
  readonly mode: ExampleMode;
  readonly #directory: string;
  readonly #host: ChildProcess;
  readonly #browser: Chromium | undefined;

  private constructor(
    url: URL,
    mode: ExampleMode,
    directory: string,
    host: ChildProcess,
    browser: Chromium | undefined,
  ) {
    this.url = url;
    this.mode = mode;
    this.#directory = directory;
    this.#host = host;
    this.#browser = browser;
  }

  /** @throws Error with the output of the host where it ends before it tells its address */
  static async start(
    mode: ExampleMode,
    directory: string,
    environment: NodeJS.ProcessEnv,
    browser?: Chromium,
  ): Promise<ExampleSite> {
    const host = spawn("node", ["host.js", ...hostArguments[mode]], {
      cwd: directory,
      env: { ...environment, PORT: "0" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const url = await addressOf(host.stdout);
    return new ExampleSite(url, mode, directory, host, browser);
  }

  /**
   * Opens a page, and lets a check look at it.
   *
   * @param allowed complaints that are no fault of the bridge
   * @throws Error where it was started without a browser, and where the page complained: of an error that nothing caught, or of an answer from
   *   400 on
   */
  async look(
    check: (page: Page) => Promise<void>,
    { path = "", allowed }: { readonly path?: string; readonly allowed?: RegExp | undefined } = {},
  ): Promise<void> {
    if (this.#browser === undefined) {
      throw new Error("a row that looks at a page says inBrowser");
    }
    const page = await this.#browser.newPage();
    try {
      const complaints = complaintsOf(page, 400);
      await page.goto(new URL(path, this.url).href);
      await check(page);
      const wrong = complaints.filter((complaint) => allowed?.test(complaint) !== true);
      if (wrong.length > 0) {
        throw new Error(`the page complained: ${wrong.join("; ")}`);
      }
    } finally {
      const screenshots = process.env["SERVEHTTP_SCREENSHOTS"];
      if (screenshots !== undefined) {
        const title = (await page.title()).replaceAll(/\W+/g, "-");
        await page.screenshot({
          path: join(screenshots, `${title}-${this.mode}-${Date.now()}.png`),
        });
      }
      await page.close();
    }
  }

  /** Changes one of the sources, as somebody who develops it; once the file has that text. */
  async edit(file: string, from: string, to: string): Promise<void> {
    const path = join(this.#directory, file);
    const text = await readFile(path, "utf8");
    if (!text.includes(from)) {
      throw new Error(`${file} has no ${from}`);
    }
    await writeFile(path, text.replace(from, to));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#host.exitCode === null && this.#host.signalCode === null) {
      const exited = once(this.#host, "exit");
      this.#host.kill("SIGTERM");
      await exited;
    }
  }
}

async function addressOf(output: Readable): Promise<URL> {
  let text = "";
  for await (const chunk of output.iterator({ destroyOnReturn: false })) {
    text += chunk;
    const address = /^open (http:\S+)$/m.exec(text)?.[1];
    if (address !== undefined) {
      output.resume();
      return new URL(address);
    }
  }
  throw new Error(`the host ended before it told its address: ${text}`);
}
