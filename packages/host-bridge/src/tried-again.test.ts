import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { Agent, createServer, type IncomingMessage, request } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { pathToFileURL } from "node:url";
import { TemporaryDirectory, until } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import { createPluginHost } from "./create-plugin-host.js";

const sdk = pathToFileURL(createRequire(import.meta.url).resolve("@servehttp/plugin-sdk")).href;

/** An instance that writes down the id of each request before anything else. */
const script = `
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { servePlugin } from ${JSON.stringify(sdk)};
await servePlugin({
  async serveHTTP(request, response) {
    const line = [request.id, process.pid, request.url].join(" ");
    appendFileSync(process.env.HANDLED, line + "\\n");
    const body = await request.bytes();
    await (request.url === "/held" ? once(process, "SIGUSR2") : setTimeout(2));
    response.headers.set("x-pid", String(process.pid));
    await response.end(body);
  },
});
`;

const clients = 32;

/** Requests whose handlers have begun, over both instances, when one of these is killed. */
const heldCount = 8;

describe.each(["mux", "stream"] as const)(
  "a plugin with two instances, on %s",
  { timeout: 60_000 },
  (carrier) => {
    it("drops no request when one leaves in good order", async () => {
      await using fleet = await Fleet.start(carrier);
      const load = fleet.load();
      await until(() => load.statuses.length >= 200, "some answers");
      await fleet.end("SIGTERM");
      const { length } = load.statuses;
      await until(() => load.statuses.length >= length + 200, "answers of the other one");
      await load.stop();
      expect(load.statuses.filter((status) => status !== 200)).toEqual([]);
      expect(fleet.handled).toHaveLength(load.statuses.length);
      expect(new Set(fleet.handled).size).toBe(load.statuses.length);
    });

    it("fails what was with one that is killed, and has nothing handled twice", async () => {
      await using fleet = await Fleet.start(carrier);
      const load = fleet.load();
      await until(() => load.statuses.length >= 200, "some answers");
      const held = fleet.askHeld();
      await until(() => fleet.heldAtFirst > 0, "a held one at the first");
      await fleet.end("SIGKILL");
      const { length } = load.statuses;
      await until(() => load.statuses.length >= length + 200, "answers of the other one");
      await load.stop();
      fleet.letGo();
      const statuses = [...load.statuses, ...(await held)];
      const failed = statuses.filter((status) => status !== 200);
      expect(failed.filter((status) => status !== 502)).toEqual([]);
      expect(failed.length).toBeGreaterThanOrEqual(fleet.heldAtFirst);
      expect(failed.length).toBeLessThanOrEqual(clients + heldCount);
      const { handled } = fleet;
      expect(new Set(handled).size).toBe(handled.length);
      // What failed may have been handled; what was answered was.
      expect(handled.length).toBeGreaterThanOrEqual(statuses.length - failed.length);
      expect(handled.length).toBeLessThanOrEqual(statuses.length);
    });
  },
);

/** Two processes of a plugin, and a host of it. */
class Fleet implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly #instances: readonly ChildProcess[];
  readonly #handled: string;
  readonly #port: number;

  private constructor(
    stack: AsyncDisposableStack,
    instances: readonly ChildProcess[],
    handled: string,
    port: number,
  ) {
    this.#stack = stack;
    this.#instances = instances;
    this.#handled = handled;
    this.#port = port;
  }

  static async start(carrier: "mux" | "stream"): Promise<Fleet> {
    await using stack = new AsyncDisposableStack();
    const directory = stack.use(await TemporaryDirectory.make());
    const handled = directory.at("handled");
    writeFileSync(handled, "");
    writeFileSync(directory.at("plugin.mjs"), script);
    const paths = [directory.at("one.sock"), directory.at("two.sock")];
    const instances = paths.map((path) =>
      spawn(process.execPath, [directory.at("plugin.mjs")], {
        env: { ...process.env, HANDLED: handled, SERVEHTTP_ADDRESS: `unix:${path}` },
        stdio: "ignore",
      }),
    );
    stack.defer(() => {
      for (const instance of instances) {
        instance.kill("SIGKILL");
      }
    });
    await until(() => paths.every((path) => existsSync(path)), "both listen");
    const url = paths.map((path) => `unix:${path}`);
    const host = createPluginHost({ logger: false, plugins: { notes: { url, carrier } } });
    stack.defer(() => host.stop({ drainMs: 0 }));
    await host.start();
    const server = host.attach(createServer()).listen(0, "127.0.0.1");
    stack.defer(() => {
      server.close();
      server.closeAllConnections();
    });
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const fleet = new Fleet(stack.move(), instances, handled, port);
    await fleet.#untilBothAnswer();
    writeFileSync(handled, "");
    return fleet;
  }

  async #untilBothAnswer(): Promise<void> {
    const pids = new Set<string | null>();
    while (pids.size < this.#instances.length) {
      const { headers } = await fetch(`http://127.0.0.1:${this.#port}/plugins/notes/`);
      pids.add(headers.get("x-pid"));
    }
  }

  /** The ids of all requests that a handler has seen, as often as one has. */
  get handled(): readonly string[] {
    return this.#lines.map(([id = ""]) => id);
  }

  /** How many of the held requests the first instance has. */
  get heldAtFirst(): number {
    const first = String(this.#instances[0]?.pid);
    return this.#lines.filter(([, pid, url]) => pid === first && url === "/held").length;
  }

  get #lines(): readonly string[][] {
    const lines = readFileSync(this.#handled, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => line.split(" "));
  }

  /** Sends requests that are answered once they are let go. Returns their statuses. */
  askHeld(): Promise<number[]> {
    const agent = new Agent();
    const asked = Array.from({ length: heldCount }, () => this.#ask(agent, "held", undefined));
    return Promise.all(asked);
  }

  /** Lets the requests go that the second instance holds. */
  letGo(): void {
    this.#instances[1]?.kill("SIGUSR2");
  }

  /** Ends one of the instances, and waits until it is gone. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const [instance] = this.#instances as [ChildProcess];
    const gone = once(instance, "exit");
    instance.kill(signal);
    await gone;
  }

  /** Sends requests until it is stopped. */
  load() {
    const agent = new Agent({ keepAlive: true, maxSockets: clients });
    const statuses: number[] = [];
    let stopped = false;
    const client = async (): Promise<void> => {
      for (let count = 0; !stopped; count += 1) {
        statuses.push(await this.#ask(agent, "", count % 3 === 0 ? "a body" : undefined));
      }
    };
    const over = Promise.all(Array.from({ length: clients }, client));
    return {
      statuses,
      stop: async () => {
        stopped = true;
        await over;
        agent.destroy();
      },
    };
  }

  async #ask(agent: Agent, path: string, body: string | undefined): Promise<number> {
    const options = { agent, port: this.#port, path: `/plugins/notes/${path}` };
    const asked = request({ ...options, method: body === undefined ? "GET" : "POST" });
    asked.end(body);
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    let text = "";
    for await (const chunk of response.setEncoding("utf8")) {
      text += String(chunk);
    }
    const { statusCode = 0 } = response;
    return statusCode === 200 && text !== (body ?? "") ? -1 : statusCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
