import { type BrowserContext, chromium, type Page } from "playwright-core";
import { TemporaryDirectory } from "./temporary-directory.js";

export type { Page } from "playwright-core";

const chromiumArguments = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * A Chromium without a window and with a new profile: Debian's, or the one that the environment's
 * `CHROMIUM` names. Disposing of it ends it and removes the profile.
 */
export class Chromium implements AsyncDisposable {
  readonly #context: BrowserContext;
  readonly #profile: TemporaryDirectory;

  private constructor(context: BrowserContext, profile: TemporaryDirectory) {
    this.#context = context;
    this.#profile = profile;
  }

  static async launch(): Promise<Chromium> {
    await using failed = new AsyncDisposableStack();
    const profile = failed.use(await TemporaryDirectory.make());
    const context = await chromium.launchPersistentContext(profile.path, {
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      args: chromiumArguments,
      viewport: { width: 1_280, height: 900 },
    });
    failed.move();
    return new Chromium(context, profile);
  }

  /** `150.0.7202.49` */
  get version(): string {
    return this.#context.browser()?.version() ?? "unknown";
  }

  newPage(): Promise<Page> {
    return this.#context.newPage();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
    await this.#profile[Symbol.asyncDispose]();
  }
}

/**
 * What a page complains of from now on, and goes on to: errors that nothing caught, and answers
 * whose status is `statusMin` or more.
 */
export function complaintsOf(page: Page, statusMin: number): string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("response", (response) => {
    if (response.status() >= statusMin) {
      complaints.push(`${response.status()} ${response.url()}`);
    }
  });
  return complaints;
}
