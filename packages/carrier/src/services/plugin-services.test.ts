import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { randomRuns, until } from "@servehttp/testkit";
import { expect, it } from "vitest";
import {
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
} from "../../../contract/src/gen/grpc/health/v1/health_pb.js";
import {
  DescribeRequestSchema,
  DescribeResponseSchema,
} from "../../../contract/src/gen/servehttp/v1/plugin_pb.js";
import { framed, messagesIn, RawHostStream } from "../test-rig/raw-ends.js";
import { Wire } from "../test-rig/wire.js";
import { describePath, healthCheckPath, healthWatchPath } from "../wire/rpc-paths.js";
import {
  readDescribeRequest,
  readHealthCheckRequest,
  writeDescribeResponse,
} from "../wire/service-messages.js";
import { WireReader } from "../wire/wire-reader.js";
import { WireWriter } from "../wire/wire-writer.js";
import { ServingState } from "./serving-state.js";

it("says who it is, and the carriers that it offers (L1)", async () => {
  const software = `software of ${"ä".repeat(100)}`;
  await using wire = await Wire.open({ services: { software, state: new ServingState() } });
  const rpc = ask(wire, describePath, describeRequest({ contractVersions: [3, 1], pluginId: "n" }));
  const [status, text, [message]] = await messagesOf(rpc);
  expect([status, text]).toEqual(["0", undefined]);
  expect(fromBinary(DescribeResponseSchema, message!)).toMatchObject({
    contractVersion: 1,
    servesHttp: true,
    carriers: [1, 2],
    software,
  });
});

it("refuses hosts of another version, and says which one it speaks", async () => {
  await using wire = await Wire.open();
  const answers = [[], [2, 300]].map((contractVersions) =>
    messagesOf(ask(wire, describePath, describeRequest({ contractVersions }))),
  );
  const text = "this plugin speaks version 1 of the contract, the host";
  expect(await Promise.all(answers)).toEqual([
    ["9", `${text} none`, []],
    ["9", `${text} 2, 300`, []],
  ]);
});

it("says whether it serves, as a whole and by its service (L4)", async () => {
  const state = new ServingState();
  await using wire = await Wire.open({ services: { software: "", state } });
  const check = async (service: string) => {
    const rpc = ask(wire, healthCheckPath, healthRequest(service));
    const [status, text, messages] = await messagesOf(rpc);
    return [status, text, messages.map(statusIn)];
  };
  expect(await check("")).toEqual(["0", undefined, [1]]);
  expect(await check("servehttp.v1.PluginService")).toEqual(["0", undefined, [1]]);
  expect(await check("x")).toEqual(["5", 'no service "x" here', []]);
  state.close();
  expect(await check("")).toEqual(["0", undefined, [2]]);
});

it("cuts off the name of a service that it does not know, and not through a character", async () => {
  await using wire = await Wire.open();
  for (const before of ["", "x"]) {
    const service = `${before}${"😀".repeat(2_000)}`;
    // oxlint-disable-next-line no-await-in-loop
    const [status] = await messagesOf(ask(wire, healthCheckPath, healthRequest(service)));
    expect(status).toBe("5");
  }
});

it("tells watches that it closes, and ends them", async () => {
  const state = new ServingState();
  await using wire = await Wire.open({ services: { software: "", state } });
  const watch = ask(wire, healthWatchPath, healthRequest(""));
  const unknown = ask(wire, healthWatchPath, healthRequest("x"));
  await until(() => state.waitingCount === 2, "both watches");
  expect(watch.closed || unknown.closed).toBe(false);
  state.close();
  const late = ask(wire, healthWatchPath, healthRequest(""));
  const seen = await Promise.all([watch, unknown, late].map(messagesOf));
  expect(seen.map(([status, , messages]) => [status, messages.map(statusIn)])).toEqual([
    ["0", [1, 2]],
    ["0", [3, 3]],
    ["0", [2]],
  ]);
});

it("holds nothing of watches whose hosts have left", async () => {
  const state = new ServingState();
  await using wire = await Wire.open({ services: { software: "", state } });
  const watches = Array.from({ length: 20 }, () => ask(wire, healthWatchPath, healthRequest("")));
  await until(
    () => state.waitingCount === 20 && watches.every(({ chunks }) => chunks.length > 0),
    "all watches",
  );
  for (const { stream } of watches) {
    stream.close();
  }
  await until(() => state.waitingCount === 0, "nobody who waits");
  expect(state.serving).toBe(true);
});

it.each<[string, Buffer, string]>([
  ["no message", Buffer.alloc(0), "no message in the request"],
  [
    "two messages",
    Buffer.concat([healthRequest(""), healthRequest("")]),
    "more than one message in the request",
  ],
  [
    "a message over 64 KiB",
    framed(Buffer.alloc(65_537)),
    "a message of 65537 bytes; at most 65536 are allowed",
  ],
  [
    "a compressed message",
    framed(Buffer.from([10, 0]), 1),
    "a message with compression flag 1, though no compression was agreed on",
  ],
  [
    "a malformed message",
    framed(Buffer.from([10, 5])),
    "malformed message: a field that is longer than its message",
  ],
  ["a part of a message", healthRequest("abc").subarray(0, 7), "no message in the request"],
])("refuses a request of %s (F4)", async (_what, request, text) => {
  await using wire = await Wire.open();
  for (const path of [describePath, healthCheckPath, healthWatchPath]) {
    // oxlint-disable-next-line no-await-in-loop
    expect(await messagesOf(ask(wire, path, request))).toEqual(["3", text, []]);
  }
});

it("closes the stream of a host that goes on sending what was refused", async () => {
  await using wire = await Wire.open();
  const rpc = new RawHostStream(wire.session, healthCheckPath);
  rpc.stream.write(framed(Buffer.alloc(65_537)));
  await until(() => rpc.closed, "the stream to close");
  expect([rpc.status, rpc.stream.rstCode]).toEqual(["3", 0]);
});

it("reads what the generated code writes, and is read by it", () => {
  const writer = new WireWriter();
  fc.assert(
    fc.property(
      fc.array(fc.nat(4_294_967_295)),
      fc.string({ unit: "grapheme" }),
      fc.boolean(),
      (contractVersions, text, servesHttp) => {
        const asked = toBinary(
          DescribeRequestSchema,
          create(DescribeRequestSchema, { contractVersions, pluginId: text }),
        );
        expect(readDescribeRequest(readerOf(asked))).toEqual(contractVersions);
        const checked = create(HealthCheckRequestSchema, { service: text });
        const check = toBinary(HealthCheckRequestSchema, checked);
        expect(readHealthCheckRequest(readerOf(check))).toBe(text);
        const contractVersion = contractVersions[0] ?? 1;
        const description = { contractVersion, servesHttp, carriers: [1, 2], software: text };
        const written = Buffer.concat(writeDescribeResponse(writer, description));
        expect(fromBinary(DescribeResponseSchema, written.subarray(5))).toMatchObject(description);
      },
    ),
    randomRuns(300),
  );
});

it("reads versions that are not packed, and skips fields that it does not know", () => {
  const unpacked = Buffer.from([8, 1, 18, 1, 97, 8, 172, 2, 34, 1, 0]);
  expect(readDescribeRequest(new WireReader(unpacked))).toEqual([1, 300]);
  expect(readHealthCheckRequest(new WireReader(Buffer.from([16, 1, 10, 1, 97])))).toBe("a");
});

function ask(wire: Wire, path: string, request: Buffer): RawHostStream {
  const rpc = new RawHostStream(wire.session, path);
  rpc.stream.end(request);
  return rpc;
}

/** The status of an RPC with its text, and its messages, once it is over. */
async function messagesOf(
  rpc: RawHostStream,
): Promise<[status: string | undefined, text: string | undefined, messages: Buffer[]]> {
  await until(() => rpc.closed, "the end of the RPC");
  const text = (rpc.trailers["grpc-message"] ?? rpc.headers["grpc-message"]) as string | undefined;
  const messages = messagesIn(Buffer.concat(rpc.chunks));
  return [rpc.status, text === undefined ? undefined : decodeURIComponent(text), messages];
}

function describeRequest(init: MessageInitShape<typeof DescribeRequestSchema>): Buffer {
  return framed(toBinary(DescribeRequestSchema, create(DescribeRequestSchema, init)));
}

function healthRequest(service: string): Buffer {
  return framed(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service })));
}

function statusIn(message: Buffer): number {
  return fromBinary(HealthCheckResponseSchema, message).status;
}

function readerOf(message: Uint8Array): WireReader {
  return new WireReader(Buffer.from(message));
}
