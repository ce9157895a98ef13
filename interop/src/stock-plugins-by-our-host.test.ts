import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PluginHost } from "@servehttp/host-bridge";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OurHost } from "./our-host.js";
import { Call } from "./call.js";
import {
  buildableSamples,
  prepareSample,
  type SamplePlugin,
  type SampleStack,
} from "./sample-plugins.js";
import { type PluginByHand, startByHand } from "./start-by-hand.js";

type Peer = SamplePlugin | (PluginByHand["options"] & { readonly protocol: "connect" });
type Protocol = "gRPC" | "Connect";

// What each plugin serves is written down at `plugins/example-handler.ts`.
const rows: readonly (readonly [SampleStack, "stream" | "mux", Protocol])[] = [
  ["connect-node", "stream", "gRPC"],
  ["connect-node", "mux", "gRPC"],
  ["grpc-js", "stream", "gRPC"],
  ["grpc-js", "mux", "gRPC"],
  ["gRPC-python", "stream", "gRPC"],
  ["gRPC-python", "mux", "gRPC"],
  ["grpc-go", "stream", "gRPC"],
  ["grpc-go", "mux", "gRPC"],
  ["connect-go", "stream", "gRPC"],
  ["tonic", "stream", "gRPC"],
  ["connect-node", "stream", "Connect"],
  ["connect-go", "stream", "Connect"],
];
const buildable = await buildableSamples();

let directory: string;
const byHand: PluginByHand[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "servehttp-interop-"));
});

afterAll(async () => {
  await Promise.all(byHand.map((plugin) => plugin[Symbol.asyncDispose]()));
  await rm(directory, { recursive: true });
});

describe.each(rows.filter(([stack]) => buildable.includes(stack)))(
  "a plugin on %s, on the %s carrier, in %s",
  (stack, carrier, protocol) => {
    let host: PluginHost;
    let ours: OurHost;
    let origin: string;

    beforeAll(async () => {
      ours = await OurHost.start({ example: { ...(await prepare(stack, protocol)), carrier } });
      ({ host } = ours);
      origin = ours.originOf("example");
    });

    afterAll(() => ours[Symbol.asyncDispose]());

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
  },
);

/** A plugin that its host starts, or one at a URL: that is what a host speaks Connect to. */
async function prepare(stack: SampleStack, protocol: Protocol): Promise<Peer> {
  const sample = await prepareSample(stack, directory);
  if (protocol === "gRPC") {
    return sample;
  }
  const socketPath = join(directory, `connect-${byHand.length}.sock`);
  const plugin = await startByHand(sample.command, socketPath);
  byHand.push(plugin);
  return { ...plugin.options, protocol: "connect" };
}
