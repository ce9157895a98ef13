import { existsSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";
import { childrenOf, TemporaryDirectory, until } from "@servehttp/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { HostStatus } from "../control/control-api.js";
import { runCommand } from "../test-rig/command-in-memory.js";
import { CommandProcess } from "../test-rig/command-process.js";
import { type CommandsTogether, commandsIn, hostStatus } from "../test-rig/commands-together.js";
import { pluginPath } from "../test-rig/plugin-path.js";

let directory: TemporaryDirectory;
let options: CommandsTogether;
beforeEach(async () => {
  directory = await TemporaryDirectory.make();
  options = commandsIn(directory);
});
afterEach(() => directory[Symbol.asyncDispose]());

const status = () => hostStatus(options);

/** Resolves when all workers take connections, with their processes. */
async function workersListening(): Promise<readonly number[]> {
  let workers: HostStatus["workers"] = [];
  await expect
    .poll(async () => {
      ({ workers } = await status());
      return workers.map(({ state }) => state);
    })
    .toEqual(["listening", "listening"]);
  return workers.map(({ pid }) => pid);
}

/** Clients, each of which asks over and over on a connection of its own, and counts what fails. */
class Clients {
  readonly failures: number[];
  answered = 0;
  #isOver = false;
  readonly #all: Promise<unknown>;

  constructor(url: string, count: number) {
    this.failures = Array.from({ length: count }, () => 0);
    this.#all = Promise.all(this.failures.map((_, index) => this.#run(url, index)));
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#all;
  }

  async #run(url: string, index: number): Promise<void> {
    using closing = new DisposableStack();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    closing.defer(() => agent.destroy());
    while (!this.#isOver) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        if ((await asked(url, agent)) !== 200) {
          throw new Error("it was refused");
        }
        this.answered += 1;
      } catch {
        this.failures[index] = (this.failures[index] ?? 0) + 1;
      }
    }
  }
}

function asked(url: string, agent: Agent): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { agent }, (response) => {
      text(response).then(() => resolve(response.statusCode), reject);
    })
      .once("error", reject)
      .end();
  });
}

/** Resolves when clients got many more answers. */
async function manyMore(clients: Clients): Promise<void> {
  const before = clients.answered;
  await until(() => clients.answered > before + 50, "more answers");
}

// Processes start in it, one after the other.
describe("servehttp --workers", { timeout: 120_000 }, () => {
  it("serves on through reloads, killed workers, a killed plugin and an upgrade", async () => {
    const config = (more: object) =>
      writeFileSync(
        directory.at("servehttp.config.json"),
        JSON.stringify({
          plugins: { hello: pluginPath("hello"), ...more },
          listen: ["127.0.0.1:0", "unix:web.sock"],
          workers: 2,
          pidFile: "host.pid",
          timeouts: { waitMs: 60_000 },
        }),
      );
    config({});
    await using host = new CommandProcess([], options);
    const [, url = ""] = await host.said(/^hello {2}READY {3}(\S+)$/m);
    const [first = 0, second = 0] = await workersListening();
    const clients = new Clients(url, 4);
    await manyMore(clients);

    expect((await runCommand(["reload", "hello"], options)).exitCode).toBe(0);
    config({ extra: pluginPath("hello") });
    expect((await runCommand(["reload"], options)).stdout).toBe("added: extra\n");
    expect((await fetch(url.replace("hello", "extra"))).status).toBe(200);
    await manyMore(clients);
    expect(clients.failures).toEqual([0, 0, 0, 0]);

    const plugin = (await status()).plugins[0]?.pid ?? 0;
    process.kill(first, "SIGKILL");
    await expect.poll(async () => (await status()).workers[0]?.pid).not.toBe(first);
    const [third = 0, still] = await workersListening();
    await manyMore(clients);
    // The connections were divided evenly, and each client had at most one request on its own.
    expect(clients.failures.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(2);
    expect(Math.max(...clients.failures)).toBeLessThanOrEqual(1);
    expect(still).toBe(second);
    expect((await status()).plugins[0]).toMatchObject({ pid: plugin, restarts: 0 });

    clients.failures.fill(0);
    process.kill(plugin, "SIGKILL");
    await expect.poll(async () => (await status()).plugins[0]?.restarts).toBe(1);
    await manyMore(clients);
    // What ran on the plugin is lost, one request of each at most; what came after has waited.
    expect(Math.max(...clients.failures)).toBeLessThanOrEqual(1);

    clients.failures.fill(0);
    const upgraded = new CommandProcess(["upgrade"], options);
    expect(await upgraded.ended).toBe(0);
    const [, pid] = await upgraded.said(/^process (\d+) has taken over$/m);
    expect(await host.ended).toBe(0);
    await manyMore(clients);
    expect(clients.failures).toEqual([0, 0, 0, 0]);
    await clients.end();
    const after = await status();
    expect(after.pid).toBe(Number(pid));
    expect(after.workers.map((worker) => worker.pid)).not.toContain(third);
    await runCommand(["stop"], options);
    await until(() => !existsSync(directory.at("host.pid")), "the end of the new process");
    const left = [after.pid, ...after.workers.map((worker) => worker.pid)];
    await until(() => !left.some(isThere), "the end of all processes");
    expect(existsSync(directory.at("web.sock"))).toBe(false);
  });

  it("counts what all workers have served, also one that was killed since", async () => {
    const token = "the-token-of-the-tests";
    const environment = { ...options.environment, SERVEHTTP_ADMIN_TOKEN: token };
    const flags = ["--plugin", `hello=${pluginPath("hello")}`, "--port", "0", "--workers", "2"];
    const withAdmin = [...flags, "--admin", "127.0.0.1:0"];
    await using host = new CommandProcess(withAdmin, { ...options, environment });
    const [, url = ""] = await host.said(/^hello {2}READY {3}(\S+)$/m);
    const [, admin = ""] = await host.said(/^admin on (http:\S+)$/m);
    const served = async (): Promise<readonly string[]> => {
      const headers = { authorization: `Bearer ${token}` };
      const metrics = await (await fetch(`${admin}/metrics`, { headers })).text();
      return [
        ...metrics.matchAll(/^\w+(?:request_duration_seconds_count|outcomes_total)\{.* (\d+)$/gm),
      ].map(([, count = ""]) => count);
    };
    const askOnNewConnections = async (count: number): Promise<void> => {
      const ask = () => fetch(url, { headers: { connection: "close" } });
      const answers = await Promise.all(Array.from({ length: count }, ask));
      await Promise.all(answers.map((answer) => answer.text()));
    };
    await askOnNewConnections(10);
    await expect.poll(served).toEqual(["10", "10"]);
    const [first = 0] = await workersListening();
    process.kill(first, "SIGKILL");
    await expect.poll(async () => (await status()).workers[0]?.pid).not.toBe(first);
    await workersListening();
    expect(await served()).toEqual(["10", "10"]);
    await askOnNewConnections(4);
    await expect.poll(served).toEqual(["14", "14"]);
  });

  it("leaves neither workers nor plugins when the supervisor is killed", async () => {
    const flags = ["--plugin", `hello=${pluginPath("hello")}`, "--port", "0", "--workers", "2"];
    await using host = new CommandProcess(flags, options);
    await host.said(/READY/);
    const workers = await workersListening();
    const plugin = (await status()).plugins[0]?.pid ?? 0;
    host.child.kill("SIGKILL");
    await until(() => ![...workers, plugin].some(isThere), "the end of all processes");
    expect(host.child.signalCode).toBe("SIGKILL");
  });

  it("gives a worker up that is killed over and over, and ends when none is left", async () => {
    const flags = ["--plugin", `hello=${pluginPath("hello")}`, "--port", "0", "--workers", "2"];
    await using host = new CommandProcess([...flags, "--log", "json"], options);
    await host.said(/READY/);
    await expect
      .poll(
        () => {
          if (host.child.exitCode === null) {
            for (const pid of childrenOf(host.child.pid ?? 0, "worker-bin")) {
              process.kill(pid, "SIGKILL");
            }
          }
          return host.child.exitCode;
        },
        { timeout: 100_000 },
      )
      .toBe(1);
    expect(host.stderr).toContain("it failed too often and is not started again");
    expect(host.stderr).toContain(
      "servehttp: no worker is left: each of them has failed too often; the log says why\n",
    );
  });
});

describe("what is said of workers", () => {
  it.each(["0", "-1", "1.5", "many", "257"])("refuses --workers %s", async (count) => {
    const { exitCode, stderr } = await runCommand([`--workers=${count}`], options);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('It is a number from 1 to 256, or "auto".');
  });

  it.each([0, "2", null])("refuses workers: %j in a config", async (workers) => {
    writeFileSync(directory.at("servehttp.config.json"), JSON.stringify({ workers }));
    const { exitCode, stderr } = await runCommand([], options);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("workers: got");
    expect(stderr).toContain('allowed is a number from 1 to 256, or "auto"');
  });
});

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
