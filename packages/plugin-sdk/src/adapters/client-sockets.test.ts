import { once } from "node:events";
import {
  Agent,
  createServer,
  type IncomingMessage,
  request as requestOverSocket,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { PluginRequest } from "../handler/plugin-request.js";
import { clientSocketIdleMs, clientSocketsMax } from "../limits.js";
import { callHandler, type TestRequest } from "../testing/testing.js";
import { ClientSockets } from "./client-sockets.js";
import type { NodeHandler } from "./node.js";
import { toServeHTTP } from "./to-serve-http.js";

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly body: Uint8Array;
}

/** Sends requests to one listener, each on the connection of this name. */
interface Clients extends AsyncDisposable {
  ask(connection: string, request?: Partial<Asked>): Promise<string>;
  /** Sends a request for "/leave", and leaves when the head of its response has come. */
  leave(connection: string): Promise<void>;
}

// By a server of Node's as the reference, and in a plugin.
describe.each([
  ["node:http", clientsOfNode],
  ["a plugin", clientsOfPlugin],
])("the connections of a server: %s", (_name, clientsOf) => {
  it("gives the requests of one connection one socket, and another connection another", async () => {
    const counts = new WeakMap<Socket, number>();
    await using clients = await clientsOf(({ socket, url }, outgoing) => {
      counts.set(socket, (counts.get(socket) ?? 0) + 1);
      expect(outgoing.socket).toBe(socket);
      outgoing.end(`${url} ${counts.get(socket)}`);
    });
    const answers: string[] = [];
    for (const name of ["a", "a", "b", "a", "b"]) {
      answers.push(await clients.ask(name));
    }
    expect(answers).toEqual(["/ 1", "/ 2", "/ 1", "/ 3", "/ 2"]);
  });

  it("closes a socket once, when its client leaves, and gives the next connection a new one", async () => {
    const closed: string[] = [];
    const seen = new Set<Socket>();
    await using clients = await clientsOf(({ socket, url }, outgoing) => {
      if (!seen.has(socket)) {
        seen.add(socket);
        socket.once("close", () => closed.push(`socket ${seen.size}`));
      }
      outgoing.on("close", () => closed.push("response"));
      outgoing.write("begun");
      if (url === "/") {
        outgoing.end();
      }
    });
    await clients.ask("a");
    await clients.ask("a");
    await clients.leave("a");
    await vi.waitFor(() => expect(closed).toHaveLength(4));
    expect(closed.toSorted()).toEqual(["response", "response", "response", "socket 1"]);
    await clients.ask("a");
    expect(seen.size).toBe(2);
  });

  it("forgets the time that one request has given the socket", async () => {
    const timeouts: (number | undefined)[] = [];
    await using clients = await clientsOf(({ socket }, outgoing) => {
      timeouts.push(socket.timeout ?? 0);
      outgoing.setTimeout(60_000);
      outgoing.end();
    });
    await clients.ask("a");
    await clients.ask("a");
    expect(timeouts).toEqual([0, 0]);
  });

  it("holds what comes of a body that nobody reads, and pauses the socket when it is full", async () => {
    const seen: unknown[] = [];
    await using clients = await clientsOf((incoming, outgoing) => {
      incoming.socket.once("pause", () => {
        seen.push(incoming.readableLength >= incoming.readableHighWaterMark, incoming.complete);
        incoming.resume();
        incoming.once("end", () => outgoing.end("whole"));
      });
    });
    const body = new Uint8Array(1_000_000);
    expect(await clients.ask("a", { method: "POST", body })).toBe("whole");
    expect(seen).toEqual([true, false]);
  });

  it("has a small body whole that nobody reads, drops it, and serves the next request", async () => {
    const seen: unknown[] = [];
    const answer = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
      await vi.waitFor(() => expect(incoming.complete).toBe(true));
      seen.push(incoming.readableLength);
      incoming.once("close", () => seen.push("closed"));
      outgoing.end();
    };
    await using clients = await clientsOf((...args) => void answer(...args));
    await clients.ask("a", { method: "POST", body: Buffer.from("abc") });
    await clients.ask("a", { method: "POST", body: Buffer.from("de") });
    await vi.waitFor(() => expect(seen).toEqual([3, "closed", 2, "closed"]));
  });

  it("does not say of a response that it is finished when its client has left before", async () => {
    const events: string[] = [];
    const over = Promise.withResolvers<void>();
    await using clients = await clientsOf((_incoming, outgoing) => {
      for (const event of ["finish", "close"]) {
        outgoing.on(event, () => events.push(event));
      }
      outgoing.on("close", () => {
        outgoing.end();
        process.nextTick(() => process.nextTick(over.resolve));
      });
      outgoing.write("begun");
    });
    await clients.leave("a");
    await over.promise;
    expect(events).toEqual(["close"]);
  });
});

describe("the connections of a plugin", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  /** What sends requests to one listener. Its `ask` gives the socket of a request, once that is over. */
  function pluginOf(node: NodeHandler["node"] = (_incoming, outgoing) => outgoing.end()) {
    const served: { readonly socket: Socket; readonly closed: Promise<unknown> }[] = [];
    const serveHTTP = toServeHTTP({
      node(incoming, outgoing) {
        served.push({ socket: incoming.socket, closed: once(outgoing, "close") });
        return node(incoming, outgoing);
      },
    });
    const send = (request: TestRequest) => callHandler({ serveHTTP }, request);
    const ask = async (request: TestRequest = { connectionId: "a" }) => {
      await (await send(request).response).text();
      const last = served.at(-1);
      await last?.closed;
      return last?.socket as Socket;
    };
    return { ask, send, served };
  }

  it.each([
    ["the host does not tell the connection", {}],
    ["an HTTP/2 connection, whose requests overlap", { connectionId: "a", protocol: "HTTP/2.0" }],
  ] satisfies [string, TestRequest][])(
    "have a socket for each request: %s",
    async (_why, request) => {
      const { ask } = pluginOf();
      const first = await ask(request);
      expect(await ask(request)).not.toBe(first);
      expect(first.destroyed).toBe(true);
    },
  );

  it("have a socket more for a request that overlaps another, and keep the first", async () => {
    const slow = Promise.withResolvers<ServerResponse>();
    const { ask, send, served } = pluginOf((incoming, outgoing) => {
      if (incoming.url === "/slow") {
        slow.resolve(outgoing);
      } else {
        outgoing.end();
      }
    });
    const call = send({ connectionId: "a", url: "/slow" });
    const outgoing = await slow.promise;
    const second = await ask();
    outgoing.end("slow");
    expect(await (await call.response).text()).toBe("slow");
    await served[0]?.closed;
    expect(second).not.toBe(served[0]?.socket);
    expect(await ask()).toBe(served[0]?.socket);
  });

  it("protect a request from what the one before it still does", async () => {
    let goOn: (() => void) | undefined;
    const { ask } = pluginOf(async (incoming, outgoing) => {
      goOn?.();
      goOn = () => {
        outgoing.end();
        outgoing.end("again", () => undefined);
        outgoing.write("late", () => undefined);
        outgoing.destroy();
        incoming.destroy();
      };
      outgoing.write("be");
      await setImmediate();
      outgoing.end("gun");
      await once(outgoing, "close");
      throw new Error("late");
    });
    const first = await ask();
    for (let time = 0; time < 3; time += 1) {
      expect(await ask()).toBe(first);
    }
  });

  it("have a new socket behind a request that failed", async () => {
    const { ask, send } = pluginOf((incoming, outgoing) => {
      if (incoming.url === "/fail") {
        throw new Error("failed");
      }
      outgoing.end();
    });
    const first = await ask();
    const failing = send({ connectionId: "a", url: "/fail" });
    await expect(failing.response).rejects.toThrow("the handler failed");
    expect(first.destroyed).toBe(true);
    expect(await ask()).not.toBe(first);
  });

  it("close a socket for which no request comes, but none in use", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const held = Promise.withResolvers<ServerResponse>();
    const { ask, send, served } = pluginOf((incoming, outgoing) => {
      if (incoming.url === "/held") {
        held.resolve(outgoing);
      } else {
        outgoing.end();
      }
    });
    const first = await ask();
    const call = send({ connectionId: "a", url: "/held" });
    const outgoing = await held.promise;
    vi.advanceTimersByTime(2 * clientSocketIdleMs);
    outgoing.end();
    await call.response;
    await served[1]?.closed;
    expect(await ask()).toBe(first);
    let closed = 0;
    first.on("close", () => {
      closed += 1;
    });
    vi.advanceTimersByTime(clientSocketIdleMs - 1);
    expect(first.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    expect(first.destroyed).toBe(true);
    expect(await ask()).not.toBe(first);
    expect(closed).toBe(1);
  });

  it("keep no more sockets than so many", () => {
    const sockets = new ClientSockets(undefined);
    const socketOf = (connectionId: string) =>
      sockets.socketFor({
        protocolMajor: 1,
        connectionId,
        remoteAddress: "",
        scheme: "http",
      } as PluginRequest);
    const kept = Array.from({ length: clientSocketsMax }, (_, at) => socketOf(String(at)));
    expect(socketOf("0")).toBe(kept[0]);
    expect(socketOf("more")).not.toBe(socketOf("more"));
    kept[0]?.destroy();
    expect(socketOf("more")).toBe(socketOf("more"));
  });
});

async function clientsOfNode(listener: RequestListener): Promise<Clients> {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const agents = new Map<string, Agent>();
  const send = async (
    name: string,
    { method = "GET", url = "/", body = new Uint8Array() }: Partial<Asked> = {},
  ) => {
    const agent = agents.get(name) ?? new Agent({ keepAlive: true, maxSockets: 1 });
    agents.set(name, agent);
    const outgoing = requestOverSocket({ port, host: "127.0.0.1", method, path: url, agent });
    outgoing.end(body);
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    return { incoming, outgoing };
  };
  return {
    async ask(name, request) {
      const { incoming } = await send(name, request);
      let text = "";
      for await (const chunk of incoming) {
        text += String(chunk);
      }
      return text;
    },
    async leave(name) {
      (await send(name, { url: "/leave" })).outgoing.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const agent of agents.values()) {
        agent.destroy();
      }
      await server[Symbol.asyncDispose]();
    },
  };
}

function clientsOfPlugin(listener: RequestListener): Promise<Clients> {
  const serveHTTP = toServeHTTP(createServer(listener));
  const clients: Clients = {
    async ask(connectionId, request = {}) {
      const call = callHandler({ serveHTTP }, { ...request, connectionId });
      const text = await (await call.response).text();
      // Over a network, too, the next request comes in a later turn.
      await setImmediate();
      return text;
    },
    async leave(connectionId) {
      const call = callHandler({ serveHTTP }, { connectionId, url: "/leave" });
      await call.response;
      call.abort();
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return Promise.resolve(clients);
}
