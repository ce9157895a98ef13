import { once } from "node:events";
import { createServer as createHttp1 } from "node:http";
import { createServer as createHttp2, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { ServeHTTPError } from "@servehttp/contract";
import { type RunningPlugin, servePlugin } from "@servehttp/plugin-sdk";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import type { TlsOptions, UrlPluginOptions } from "../options/options.js";
import { readHostOptions, readPluginOptions } from "../options/read-options.js";
import { systemClock } from "../process/clock.js";
import { HostProcesses } from "../process/host-processes.js";
import { certificate, turns, until } from "@servehttp/testkit";
import type { PluginExchanges } from "./connected-plugin.js";
import { HeadTimeCounts } from "./head-times.js";
import type { Instance } from "./instance-group.js";
import { makeInstances } from "./make-instances.js";
import type { PluginFailure } from "./plugin-failure.js";
import type { OutsideSettings } from "./plugin-set.js";

const logger = pino({ enabled: false });

const shared: PluginExchanges = {
  chunkBytes: 65_536,
  times: { headMs: 0, idleMs: 0, totalMs: 0 },
  headTimes: new HeadTimeCounts(),
  maxTunnels: 1,
  counts: { exchanges: 0, tunnels: 0, stalls: 0, healthMisses: 0 },
  connections: new Set(),
  onOver: () => undefined,
  onChange: () => undefined,
  findAnother: () => () => undefined,
  clock: systemClock,
};

type AddressInstance = Instance & AsyncDisposable & { readonly told: readonly PluginFailure[] };

function instanceAt(
  port: number,
  options: Partial<UrlPluginOptions> = {},
  startMs = 10_000,
): AddressInstance {
  const told: PluginFailure[] = [];
  const given = { url: `http://127.0.0.1:${port}`, timeouts: { startMs }, ...options };
  const settings = readPluginOptions("notes", given, readHostOptions({}));
  const watch = {
    onChange: () => undefined,
    onReady: () => undefined,
    onFailure: (failure: PluginFailure) => void told.push(failure),
  };
  const processes = new HostProcesses(logger);
  const openCalls = () => Promise.reject(new Error("an address opens no calls"));
  const host = { processes, openCalls, logger };
  const { current } = makeInstances(settings as OutsideSettings, shared, watch, host);
  const [instance] = current;
  return Object.assign(instance!, { told, [Symbol.asyncDispose]: () => stop(instance!) });
}

function stop(instance: Instance): Promise<void> {
  return instance.stop(0, new ServeHTTPError("host-stopping", "the test stops it"));
}

interface Listening extends AsyncDisposable {
  readonly port: number;
  readonly sockets: ReadonlySet<Socket>;
}

/** Listens, and closes with all its connections. */
async function listening(server: Server): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) {
        socket.destroy();
      }
      server.close();
      await once(server, "close");
    },
  };
}

/** A connection on mux has one connection for `Describe` and health, and one for its exchanges. */
const linkConnections = 2;

/** A plugin, and in front of it a relay whose connections a test can see and cut. */
async function relayedPlugin(
  token?: string,
): Promise<Listening & { readonly plugin: RunningPlugin }> {
  const plugin = await servePlugin(
    { serveHTTP: () => undefined },
    {
      address: "127.0.0.1:0",
      logger,
      drainMs: 0,
      ...(token === undefined ? undefined : { token }),
    },
  );
  const port = Number(plugin.address.split(":").at(-1));
  const relay = await listening(
    createServer((socket) => {
      const onward = connect({ port, host: "127.0.0.1" });
      socket.pipe(onward).pipe(socket);
      socket.on("error", () => onward.destroy());
      onward.on("error", () => socket.destroy());
      socket.on("close", () => onward.destroy());
      onward.on("close", () => socket.destroy());
    }),
  );
  return {
    ...relay,
    plugin,
    async [Symbol.asyncDispose]() {
      await relay[Symbol.asyncDispose]();
      await plugin.close();
    },
  };
}

/** A gRPC server that answers every RPC in the same way. */
function grpcServer(answer: (stream: ServerHttp2Stream) => void): Server {
  const server = createHttp2();
  server.on("stream", (stream) => {
    stream.on("error", () => undefined);
    answer(stream);
  });
  return server;
}

async function failureOf(instance: Instance): Promise<{ code: string; message: string }> {
  try {
    await instance.start();
  } catch (error) {
    const { code, message } = ServeHTTPError.from(error);
    return { code, message };
  }
  throw new Error("it started");
}

describe("a plugin at an address", () => {
  it("says that nobody listens", async () => {
    const { port } = await (async () => {
      await using gone = await listening(createServer());
      return gone;
    })();
    await using instance = instanceAt(port);
    expect(await failureOf(instance)).toEqual({
      code: "connection-failed",
      message: expect.stringContaining(`http://127.0.0.1:${port}`),
    });
    expect(instance.state).toBe("backing-off");
    expect(instance.told).toMatchObject([{ code: "connection-failed", exitCode: undefined }]);
  });

  it("says that what listens is an HTTP/1 server", async () => {
    await using other = await listening(createHttp1((_, response) => response.end("hello")));
    await using instance = instanceAt(other.port);
    expect(await failureOf(instance)).toMatchObject({ code: "not-a-plugin" });
    await until(() => other.sockets.size === 0, "no connection is left");
  });

  it("says that what listens is another gRPC server", async () => {
    await using other = await listening(
      grpcServer((stream) => {
        stream.respond(
          { "content-type": "application/grpc", "grpc-status": "12" },
          { endStream: true },
        );
      }),
    );
    await using instance = instanceAt(other.port);
    expect(await failureOf(instance)).toEqual({
      code: "not-a-plugin",
      message: expect.stringContaining("does not offer servehttp.v1.PluginService"),
    });
    await until(() => other.sockets.size === 0, "no connection is left");
  });

  it("says that a plugin speaks another version of the contract", async () => {
    await using other = await listening(
      grpcServer((stream) => {
        stream.respond({ "content-type": "application/grpc" }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
        // DescribeResponse { contract_version: 2, serves_http: true }
        stream.end(Buffer.from([0, 0, 0, 0, 4, 0x08, 2, 0x10, 1]));
      }),
    );
    await using instance = instanceAt(other.port);
    expect(await failureOf(instance)).toEqual({
      code: "not-a-plugin",
      message: expect.stringContaining("version 2"),
    });
  });

  it("says that a plugin refuses the token", async () => {
    await using relayed = await relayedPlugin("secret");
    for (const token of [undefined, "wrong"]) {
      await using instance = instanceAt(relayed.port, { token });
      expect(await failureOf(instance)).toMatchObject({ code: "unauthenticated" });
    }
    await using instance = instanceAt(relayed.port, { token: "secret" });
    await instance.start();
    expect(instance.state).toBe("ready");
  });

  it("gives up an attempt that is not answered in time", async () => {
    await using silent = await listening(createServer((socket) => void socket.resume()));
    await using instance = instanceAt(silent.port, {}, 1);
    expect(await failureOf(instance)).toMatchObject({ code: "deadline" });
    await until(() => silent.sockets.size === 0, "no connection is left");
  });

  it("makes one connection, however often it is started", async () => {
    await using relayed = await relayedPlugin();
    const instance = instanceAt(relayed.port);
    await Promise.all([instance.start(), instance.start()]);
    await instance.start();
    expect(relayed.sockets.size).toBe(linkConnections);
    await Promise.all([stop(instance), stop(instance)]);
    await until(() => relayed.sockets.size === 0, "no connection is left");
    expect(instance.state).toBe("stopped");
  });

  it("leaves no connection when it is stopped while it connects", async () => {
    await using relayed = await relayedPlugin();
    for (let wait = 0; wait < 12; wait += 1) {
      const instance = instanceAt(relayed.port);
      const failure = failureOf(instance).catch((error: unknown) => error);
      await turns(wait);
      await stop(instance);
      const outcome = await failure;
      expect(instance.state).toBe("stopped");
      expect(instance.connection).toBeUndefined();
      expect(outcome).toMatchObject(
        outcome instanceof Error ? { message: "it started" } : { code: "host-stopping" },
      );
    }
    await until(() => relayed.sockets.size === 0, "no connection is left");
  });

  it("connects again when the connection of its exchanges is lost, by a reset too (mux)", async () => {
    await using relayed = await relayedPlugin();
    await using instance = instanceAt(relayed.port, { carrier: "mux" });
    await instance.start();
    for (const cut of ["resetAndDestroy", "destroy"] as const) {
      [...relayed.sockets].at(-1)?.[cut]();
      await until(() => instance.state !== "ready", "the loss is seen");
      await until(() => instance.state === "ready", "it is connected again");
    }
    expect(instance.restarts).toBe(2);
  });

  it("connects by TLS, and shows who it is where it has a certificate", async () => {
    const [pluginPem, hostPem, strangerPem] = [certificate(), certificate(), certificate()];
    const plugin = await servePlugin(
      { serveHTTP: () => undefined },
      {
        address: "127.0.0.1:0",
        logger,
        drainMs: 0,
        tls: { ...pluginPem, ca: hostPem.cert, requestCert: true, rejectUnauthorized: true },
      },
    );
    await using _ = plugin;
    const port = plugin.address.split(":").at(-1);
    const over = (host: string, tls: TlsOptions) =>
      instanceAt(0, { url: `https://${host}:${port}`, tls });
    for (const host of ["127.0.0.1", "localhost"]) {
      await using known = over(host, { ca: pluginPem.cert, ...hostPem });
      await known.start();
      expect(known.state).toBe("ready");
    }
    await using octets = over("127.0.0.1", {
      ca: Buffer.from(pluginPem.cert),
      cert: Buffer.from(hostPem.cert),
      key: Buffer.from(hostPem.key),
      servername: "localhost",
    });
    await octets.start();
    expect(octets.state).toBe("ready");
    for (const tls of [
      { ...hostPem },
      { ca: strangerPem.cert, ...hostPem },
      { ca: pluginPem.cert, ...strangerPem },
      { ca: pluginPem.cert, ...hostPem, servername: "elsewhere" },
    ]) {
      await using stranger = over("127.0.0.1", tls);
      expect((await failureOf(stranger)).code).toMatch(/^(connection-failed|unauthenticated)$/);
    }
  });
});
