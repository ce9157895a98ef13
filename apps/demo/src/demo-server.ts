import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type CommandPluginOptions,
  createPluginHost,
  type PluginHost,
} from "@servehttp/host-bridge";
import { pino } from "pino";
import type { DemoArguments } from "./demo-arguments.js";
import { leanNodeFlags } from "./lean-node-flags.js";
import { readPageFiles } from "./page-files.js";
import { pageListener } from "./page-listener.js";
import { sessionCookieName, Sessions } from "./sessions.js";

/** A demo that serves. Disposing of it drains the plugins and removes the temporary directory. */
export interface Demo extends AsyncDisposable {
  /** `http://127.0.0.1:PORT/` */
  readonly url: string;
}

/** Event streams and chats never end by themselves: a longer wait gains nothing. */
const drainMs = 2_000;

/**
 * Starts the host with its plugins and the page. Throws an Error with one line for people where the
 * port is in use, and what `host.start()` throws where a plugin doesn't come up.
 */
export async function startDemo({ port, dataDirectory }: DemoArguments): Promise<Demo> {
  await using started = new AsyncDisposableStack();
  const directory = await (dataDirectory === undefined
    ? temporaryDirectory(started)
    : mkdir(dataDirectory, { recursive: true }).then(() => dataDirectory));
  const sessions = new Sessions();
  const host = createPluginHost({
    plugins: {
      // An upload is answered when it is complete, however long that takes; the idle time still
      // holds.
      files: { ...pluginOf("files", directory), timeouts: { headMs: 0 } },
      events: pluginOf("events"),
      hello: pluginOf("hello"),
      chat: pluginOf("chat"),
      express: pluginOf("express"),
      hono: pluginOf("hono"),
    },
    identity: (request) => ({ "x-user-id": sessions.userOf(request) }),
    context: (request) => contextOf(sessions.userOf(request)),
    edge: { strip: { cookies: [sessionCookieName] }, protectedCookies: [sessionCookieName] },
    timeouts: { drainMs },
    logger: pino({ level: "warn" }, pino.destination(2)),
  });
  const showPage = pageListener({
    files: readPageFiles(),
    sessions,
    status: () => ({ dataDirectory: directory, ...statusOf(host) }),
    kill: (pluginId) => killPlugin(host, pluginId),
  });
  // The page's listener is there first, so that it gets what is not for a plugin.
  const server = host.attach(createServer((request, response) => void showPage(request, response)));
  await listen(server, port);
  started.defer(() => close(server));
  started.use(host);
  await host.start();
  const owned = started.move();
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function statusOf(host: PluginHost): object {
  return {
    host: {
      pid: process.pid,
      sinceUnixMs: Math.round(performance.timeOrigin),
      memoryBytes: process.memoryUsage.rss(),
    },
    plugins: host.plugins.map(({ since, ...plugin }) => ({
      ...plugin,
      sinceUnixMs: since.getTime(),
    })),
  };
}

/** Kills only a process that the host runs as this plugin now, and has not reaped. */
function killPlugin(host: PluginHost, pluginId: string): boolean {
  const pid = host.plugins.find(({ id, state }) => id === pluginId && state === "ready")?.pid;
  return pid !== undefined && process.kill(pid, "SIGKILL");
}

function contextOf(user: string | undefined): Record<string, string> {
  return user === undefined ? {} : { user };
}

async function temporaryDirectory(started: AsyncDisposableStack): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "servehttp-demo-"));
  started.defer(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

function pluginOf(name: string, ...args: string[]): CommandPluginOptions {
  const program = fileURLToPath(new URL(`plugins/${name}.js`, import.meta.url));
  return { command: [process.execPath, ...leanNodeFlags, program, ...args] };
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "EADDRINUSE") {
      const advice = "give another with --port, or none for a free one";
      throw new Error(`port ${port} is in use; ${advice}`, { cause: thrown });
    }
    throw thrown;
  }
}

/** Ends idle connections. The host has broken whatever still ran. */
async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
