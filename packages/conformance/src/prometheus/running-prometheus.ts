import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort, type TemporaryDirectory } from "@servehttp/testkit";

/** What a Prometheus scrapes. */
export interface ScrapeOptions {
  /** Host and port. */
  readonly target: string;
  readonly token: string;
  /** A file of rules. */
  readonly rules: string;
}

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [unixSeconds: number, text: string];
}

/** How long it may take until a figure is there, in milliseconds. */
const figureMsMax = 30_000;

/** A Prometheus that scrapes each second. */
export class Prometheus implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #url: string;

  private constructor(child: ChildProcess, url: string) {
    this.#process = child;
    this.#url = url;
  }

  /**
   * @param root the directory with `usr/bin/prometheus`
   * @param directory for its data and its log
   */
  static async start(
    root: string,
    directory: TemporaryDirectory,
    { target, token, rules }: ScrapeOptions,
  ): Promise<Prometheus> {
    const configuration = {
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      rule_files: [rules],
      scrape_configs: [
        {
          job_name: "servehttp",
          authorization: { credentials: token },
          static_configs: [{ targets: [target] }],
        },
      ],
    };
    // JSON is YAML.
    writeFileSync(directory.at("prometheus.yml"), JSON.stringify(configuration));
    const port = await freePort();
    const log = directory.at("prometheus.log");
    const output = openSync(log, "a");
    const child = spawn(
      join(root, "usr/bin/prometheus"),
      [
        `--config.file=${directory.at("prometheus.yml")}`,
        `--storage.tsdb.path=${directory.at("data")}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: ["ignore", output, output] },
    );
    const prometheus = new Prometheus(child, `http://127.0.0.1:${port}`);
    for (const startedMs = performance.now(); ;) {
      const response = await fetch(`${prometheus.#url}/-/ready`).catch(() => undefined);
      if (response?.ok === true) {
        return prometheus;
      }
      if (child.exitCode !== null || performance.now() - startedMs > figureMsMax) {
        throw new Error(`Prometheus does not start: ${readFileSync(log, "utf8").slice(-2_000)}`);
      }
      await delay(100);
    }
  }

  /** The value of the one series that a query finds. */
  async value(query: string): Promise<number | undefined> {
    const [sample, ...others] = await this.#query(query);
    return others.length === 0 && sample !== undefined ? Number(sample.value[1]) : undefined;
  }

  /** Values by one label. */
  async values(query: string, label: string): Promise<Record<string, number>> {
    const samples = await this.#query(query);
    const names = samples.map(({ metric }) => metric[label] ?? "");
    const found = new Map(names.map((name, at) => [name, Number(samples[at]?.value[1])]));
    return Object.fromEntries(names.toSorted().map((name) => [name, found.get(name) ?? 0]));
  }

  /** Whether a query can be read, and finds something by and by. */
  async answers(query: string): Promise<boolean> {
    for (const startedMs = performance.now(); performance.now() - startedMs < figureMsMax;) {
      if ((await this.#query(query)).length > 0) {
        return true;
      }
      await delay(250);
    }
    return false;
  }

  /** Waits until a figure is there, and for two scrapes more. */
  async until(query: string, condition: (value: number) => boolean): Promise<void> {
    const startedMs = performance.now();
    while (!condition((await this.value(query)) ?? 0)) {
      if (performance.now() - startedMs > figureMsMax) {
        return;
      }
      await delay(100);
    }
    await delay(2_000);
  }

  /** The names of rules that are not well. */
  async brokenRules(): Promise<readonly string[]> {
    const response = await fetch(`${this.#url}/api/v1/rules`);
    const { data } = (await response.json()) as {
      readonly data: {
        readonly groups: readonly {
          readonly rules: readonly { readonly name: string; readonly health: string }[];
        }[];
      };
    };
    const rules = data.groups.flatMap((group) => group.rules);
    return rules.length === 0
      ? ["there are none"]
      : rules.filter(({ health }) => health !== "ok").map(({ name }) => name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null) {
      this.#process.kill("SIGTERM");
      await once(this.#process, "exit");
    }
  }

  async #query(query: string): Promise<readonly Sample[]> {
    const response = await fetch(`${this.#url}/api/v1/query?${new URLSearchParams({ query })}`);
    const answer = (await response.json()) as {
      readonly data?: { readonly result: readonly Sample[] };
      readonly error?: string;
    };
    if (answer.data === undefined) {
      throw new Error(`${query}: ${answer.error}`);
    }
    return answer.data.result;
  }
}
