import { readSync, writeSync } from "node:fs";
import { Server } from "node:http";
import * as net from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type RunningPlugin, servePlugin } from "@servehttp/plugin-sdk";
import {
  type Answer,
  askFd,
  directoryVariable,
  type Question,
  tellFd,
  type Told,
  type Way,
  wayVariable,
} from "./messages.js";

/* oxlint-disable typescript/unbound-method -- Methods are replaced, and called by `call`. */

/** As `listen` of `node:net` reads its arguments. */
const { _normalizeArgs: normalizeArgs } = net as unknown as {
  _normalizeArgs(given: unknown[]): [net.ListenOptions, (() => void) | null];
};

/**
 * Loaded by `--require` in front of a test of Node's. Puts every server of `node:http` that the
 * test listens with behind a proxy hop or behind the bridge: the process that has started this one
 * listens in its place, and passes requests on to it.
 */
const way = take(wayVariable) as Way | undefined;
const directory = take(directoryVariable);

/** What stands in front of a server that listens. */
interface Front {
  readonly id: number;
  readonly address: string | object | null;
  /** Settles when requests reach the server. */
  readonly ready: Promise<RunningPlugin | undefined>;
}

const fronts = new WeakMap<Server, Front>();
const direct = {
  listen: Server.prototype.listen,
  close: Server.prototype.close,
  unref: Server.prototype.unref,
  address: Server.prototype.address,
  getConnections: Server.prototype.getConnections,
  closeAllConnections: Server.prototype.closeAllConnections,
  closeIdleConnections: Server.prototype.closeIdleConnections,
};
/** Servers that don't keep the process running, and the sockets of all plugins. */
const unrefs = new WeakSet<Server>();
const socketPaths = new WeakMap<Server, string>();
const waiting = new Map<string, () => void>();
let servers = 0;
let told: net.Socket | undefined;

if (way !== undefined && directory !== undefined) {
  install(way, directory);
}

function install(chosen: Way, sockets: string): void {
  const replacements = {
    listen(this: Server, ...given: unknown[]): Server {
      return listen(this, given, chosen, sockets);
    },
    close(this: Server, listener?: (error?: Error) => void): Server {
      return close(this, listener, chosen);
    },
    unref(this: Server): Server {
      unrefs.add(this);
      void fronts.get(this)?.ready.then(() => unrefPlugin(this));
      return direct.unref.call(this) as Server;
    },
    address(this: Server): unknown {
      const front = fronts.get(this);
      return front === undefined ? direct.address.call(this) : front.address;
    },
    getConnections(this: Server, tell: (error: Error | null, count: number) => void): Server {
      const front = fronts.get(this);
      if (front === undefined || chosen === "hop") {
        return direct.getConnections.call(this, tell) as Server;
      }
      const answer = ask({ kind: "count connections", server: front.id });
      process.nextTick(tell, null, answer.kind === "count" ? answer.count : 0);
      return this;
    },
    closeAllConnections(this: Server): void {
      closeConnections(this, "all");
      direct.closeAllConnections.call(this);
    },
    closeIdleConnections(this: Server): void {
      closeConnections(this, "idle");
      direct.closeIdleConnections.call(this);
    },
  };
  for (const [name, value] of Object.entries(replacements)) {
    Object.defineProperty(Server.prototype, name, { value, configurable: true, writable: true });
  }
}

function listen(server: Server, given: unknown[], chosen: Way, sockets: string): Server {
  const [options, listener] = normalizeArgs(given);
  const { port, host, path, backlog } = options;
  const isPlain = Object.keys(options).every((name) => plainOptions.has(name));
  if (!isPlain || server.listening || fronts.has(server)) {
    return Reflect.apply(direct.listen, server, given) as Server;
  }
  if (listener !== null) {
    server.once("listening", listener);
  }
  const id = ++servers;
  const socketPath = join(sockets, `${process.pid}-${id}`);
  const asked = Object.fromEntries(
    Object.entries({ port, host, path, backlog }).filter(([, value]) => value !== undefined),
  );
  const answer = ask({ kind: "listen", server: id, options: asked, socketPath });
  if (answer.kind !== "address") {
    const details = answer.kind === "error" ? answer : undefined;
    const error = Object.assign(new Error(details?.message), details?.details);
    process.nextTick(() => server.emit("error", error));
    return server;
  }
  const start = chosen === "hop" ? listenBehindHop : serveBehindBridge;
  fronts.set(server, { id, address: answer.address, ready: start(server, id, socketPath) });
  return server;
}

const plainOptions = new Set(["port", "host", "path", "backlog", "exclusive"]);

function listenBehindHop(server: Server, id: number, socketPath: string): Promise<undefined> {
  direct.listen.call(server, socketPath);
  ask({ kind: "serve", server: id });
  return Promise.resolve(undefined);
}

async function serveBehindBridge(
  server: Server,
  id: number,
  socketPath: string,
): Promise<RunningPlugin> {
  Object.defineProperty(server, "listening", { get: () => fronts.has(server), configurable: true });
  const plugin = await servePlugin(server, {
    address: `unix:${socketPath}`,
    logger: false,
    drainMs: 500,
  });
  socketPaths.set(server, socketPath);
  const ready = happens(id, "ready");
  ask({ kind: "serve", server: id });
  await ready;
  if (unrefs.has(server)) {
    unrefPlugin(server);
  }
  setImmediate(() => server.emit("listening"));
  return plugin;
}

function close(server: Server, listener: ((error?: Error) => void) | undefined, chosen: Way) {
  const front = fronts.get(server);
  if (front === undefined) {
    return direct.close.call(server, listener) as Server;
  }
  fronts.delete(server);
  const closed = happens(front.id, "closed");
  ask({ kind: "close", server: front.id });
  if (chosen === "hop") {
    return direct.close.call(server, listener) as Server;
  }
  if (listener !== undefined) {
    server.once("close", listener);
  }
  void front.ready.then(async (plugin) => {
    await closed;
    await plugin?.close();
    // It has no connections: Node's own method ends its timer, and emits `close`.
    direct.close.call(server);
  });
  return server;
}

/** Neither the plugin in the place of a server nor its connections keep the process running. */
function unrefPlugin(server: Server): void {
  const { _getActiveHandles: activeHandles } = process as unknown as {
    _getActiveHandles(): unknown[];
  };
  for (const handle of activeHandles()) {
    const listener = handle instanceof net.Socket ? serverOf(handle) : handle;
    if (listener instanceof net.Server && listener.address() === socketPaths.get(server)) {
      (handle as net.Server | net.Socket).unref();
    }
  }
}

function serverOf(socket: net.Socket): unknown {
  return (socket as unknown as { server?: unknown }).server;
}

function closeConnections(server: Server, which: "all" | "idle"): void {
  const front = fronts.get(server);
  if (front !== undefined) {
    ask({ kind: "close connections", server: front.id, which });
  }
}

/** Asks, and blocks until the answer has come: a server has its address when `listen` returns. */
function ask(question: Question): Answer {
  writeSync(askFd, `${JSON.stringify(question)}\n`);
  const chunk = Buffer.alloc(65_536);
  let text = "";
  while (!text.endsWith("\n")) {
    const bytes = readSync(askFd, chunk);
    if (bytes === 0) {
      throw new Error("the process that runs the tests is gone");
    }
    text += chunk.toString("utf8", 0, bytes);
  }
  return JSON.parse(text) as Answer;
}

/** Settles when the other process says so. Until then this one does not end by itself. */
function happens(server: number, event: Told["event"]): Promise<void> {
  told ??= listenToTold();
  const socket = told.ref();
  return new Promise((resolve) => {
    waiting.set(`${server} ${event}`, () => {
      waiting.delete(`${server} ${event}`);
      if (waiting.size === 0) {
        socket.unref();
      }
      resolve();
    });
  });
}

function listenToTold(): net.Socket {
  const socket = new net.Socket({ fd: tellFd, readable: true, writable: false });
  createInterface({ input: socket }).on("line", (line) => {
    const { server, event } = JSON.parse(line) as Told;
    waiting.get(`${server} ${event}`)?.();
  });
  return socket;
}

function take(name: string): string | undefined {
  const value = process.env[name];
  delete process.env[name];
  return value;
}
