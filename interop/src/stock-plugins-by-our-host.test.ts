import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPluginHost, type PluginHost } from "@servehttp/host-bridge";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Call } from "./call.js";
import { buildGoPlugin, type GoPlugin, reasonWithoutGo } from "./go-peer.js";
import { preparePython } from "./python-peer.js";
import { repositoryRoot } from "./repository-root.js";
import { type PluginByHand, startByHand } from "./start-by-hand.js";
import { buildTonicPlugin, reasonWithoutTonic } from "./tonic-peer.js";

interface CommandPeer {
  readonly command: string[];
  readonly env?: Record<string, string>;
}

type Peer = CommandPeer | (PluginByHand["options"] & { readonly protocol: "connect" });

const leftOut = {
  "grpc-go": await reasonWithoutGo("go"),
  "connect-go": await reasonWithoutGo("connect-go"),
  tonic: await reasonWithoutTonic(),
};
for (const [stack, reason] of Object.entries(leftOut)) {
  if (reason !== undefined) {
    console.log(`${stack} is left out: ${reason}`);
  }
}

// What each plugin serves is written down at `plugins/example-handler.ts`.

let directory: string;
const byHand: PluginByHand[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "servehttp-interop-"));
});

afterAll(async () => {
  await Promise.all(byHand.map((plugin) => plugin[Symbol.asyncDispose]()));
  await rm(directory, { recursive: true });
});

describe.each([
  ["connect-node", "stream", async () => nodePeer("connect-node-plugin.js")],
  ["connect-node", "mux", async () => nodePeer("connect-node-plugin.js")],
  ["grpc-js", "stream", async () => nodePeer("grpc-js-plugin.js")],
  ["grpc-js", "mux", async () => nodePeer("grpc-js-plugin.js")],
  ["gRPC-python", "stream", pythonPeer],
  ["gRPC-python", "mux", pythonPeer],
  ...atHand("grpc-go", "stream", async () => goPeer("go")),
  ...atHand("grpc-go", "mux", async () => goPeer("go")),
  ...atHand("connect-go", "stream", async () => goPeer("connect-go")),
  ...atHand("tonic", "stream", tonicPeer),
  ["connect-node in Connect", "stream", async () => inConnect(nodePeer("connect-node-plugin.js"))],
  ...atHand(
    "connect-go",
    "stream",
    async () => inConnect(await goPeer("connect-go")),
    " in Connect",
  ),
] as const)("a plugin on %s, on the %s carrier", (_stack, carrier, prepare) => {
  let host: PluginHost;
  let server: Server;
  let origin: string;

  beforeAll(async () => {
    host = createPluginHost({
      plugins: { example: { ...(await prepare()), carrier } },
      logger: false,
    });
    await host.start();
    server = createServer();
    host.attach(server);
    await once(server.listen(0, "127.0.0.1"), "listening");
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}/plugins/example`;
  });

  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await host.stop({ drainMs: 0 });
  });

  it("is on the carrier that was asked for", () => {
    expect(host.plugins).toMatchObject([{ id: "example", state: "ready", carrier }]);
  });

  it("carries header bytes both ways as they are", async () => {
    const call = new Call(`${origin}/headers`, { headers: { "X-M": ["a", "caf\xe9"] } });
    call.end();
    const result = await call.result();
    expect(result.status).toBe(200);
    expect(result.body.toString()).toBe("GET /headers");
    const sent = result.rawHeaders.flatMap((name, at, all) =>
      at % 2 === 0 && name.toLowerCase() === "x-m" ? [all[at + 1]] : [],
    );
    expect(sent).toEqual(["a", "caf\xe9"]);
  });

  it("echoes chunk by chunk while the upload runs, with an informational response and a trailer", async () => {
    const call = new Call(`${origin}/echo`, { method: "POST", headers: { TE: "trailers" } });
    await call.write(Buffer.from("first"));
    const informational = call.informational;
    const response = await call.response();
    const echoed = response[Symbol.asyncIterator]();
    expect((await echoed.next()).value.toString()).toBe("first");
    for (let round = 0; round < 20; round++) {
      const chunk = randomBytes(1_000);
      await call.write(chunk);
      expect((await echoed.next()).value).toEqual(chunk);
    }
    call.end();
    expect((await echoed.next()).done).toBe(true);
    expect(informational).toEqual([103]);
    expect(response.rawTrailers.map((text) => text.toLowerCase())).toEqual(["x-bytes", "20005"]);
  });

  it("carries 8 MiB each way unharmed", async () => {
    const call = new Call(`${origin}/echo`, { method: "POST" });
    const sent = createHash("sha256");
    const echoed = createHash("sha256");
    const reading = (async () => {
      for await (const chunk of await call.response()) {
        echoed.update(chunk);
      }
    })();
    for (let round = 0; round < 8; round++) {
      const chunk = randomBytes(1_048_576);
      sent.update(chunk);
      await call.write(chunk);
    }
    call.end();
    await reading;
    expect(echoed.digest("hex")).toBe(sent.digest("hex"));
  });

  it("answers before the body has come", async () => {
    const call = new Call(`${origin}/early`, { method: "POST" });
    await call.write(Buffer.from("the first of much"));
    const result = await call.result();
    call.destroy();
    expect(result.status).toBe(413);
    expect(result.body.toString()).toBe("too much");
  });

  it("sees an upload that was cut off as cut off", async () => {
    const call = new Call(`${origin}/echo`, { method: "POST" });
    await call.write(Buffer.from("half of it"));
    const response = await call.response();
    expect((await response[Symbol.asyncIterator]().next()).value.toString()).toBe("half of it");
    call.destroy();
    const witness = new Call(`${origin}/cut-off`);
    witness.end();
    expect((await witness.result()).body.toString()).toBe("the request was cut off");
  });

  it("never lets a response without an end look complete", async () => {
    const call = new Call(`${origin}/unfinished`);
    call.end();
    // 500 where the plugin gave up before the head had gone out to the client.
    const outcome = await call.result().then(
      ({ status }) => status,
      (error) => error.code,
    );
    expect(outcome).toBeOneOf(["ECONNRESET", 500]);
  });
});

/** Starts a plugin that its host then speaks Connect to, which is for those at a URL. */
async function inConnect({ command }: CommandPeer): Promise<Peer> {
  const plugin = await startByHand(command, join(directory, `connect-${byHand.length}.sock`));
  byHand.push(plugin);
  return { ...plugin.options, protocol: "connect" };
}

function nodePeer(script: string): CommandPeer {
  return { command: [process.execPath, `${repositoryRoot}interop/dist/plugins/${script}`] };
}

async function pythonPeer(): Promise<Peer> {
  const { python, env } = await preparePython(directory);
  return { command: [python, `${repositoryRoot}interop/python/plugin.py`], env };
}

async function goPeer(plugin: GoPlugin): Promise<CommandPeer> {
  return { command: [await buildGoPlugin(plugin, directory)] };
}

async function tonicPeer(): Promise<Peer> {
  return { command: [await buildTonicPlugin()] };
}

/** A row of the table above, where this machine can build the plugin. */
function atHand(
  stack: keyof typeof leftOut,
  carrier: "stream" | "mux",
  prepare: () => Promise<Peer>,
  protocol = "",
): (readonly [string, "stream" | "mux", () => Promise<Peer>])[] {
  return leftOut[stack] === undefined ? [[`${stack}${protocol}`, carrier, prepare]] : [];
}
