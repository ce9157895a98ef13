import { expect, test } from "vitest";
import { ConnectedSockets, until } from "@servehttp/testkit";
import { encodeFields } from "./hpack.js";
import { frame, frameFlag, frameType, preface, settingsFrame } from "./frames.js";
import { dedicatedField } from "../wire/rpc-paths.js";
import { detectDedicated } from "./detect-dedicated.js";
import { dedicatedMuxHeaders, rpcHeaders, serveHTTPMuxPath } from "../wire/rpc-paths.js";
import { DedicatedConnection } from "./dedicated-connection.js";

const { endHeaders, endStream, padded, priority } = frameFlag;
const settings = settingsFrame([]);
const fields = dedicatedMuxHeaders("http://localhost", "a-token");
const block = encodeFields(fields);
const headers = frame(frameType.headers, endHeaders, 1, block);
const opening = Buffer.concat([preface, settings, headers]);

test("what a host writes first is the opening of an RPC, with the fields of its request", async () => {
  await using sockets = await ConnectedSockets.open();
  let read = Buffer.alloc(0);
  sockets.plugin.on("data", (octets: Buffer) => {
    read = Buffer.concat([read, octets]);
  });
  const rpc = DedicatedConnection.open(sockets.host, fields);
  await until(() => detectDedicated(read) !== undefined, "the opening");
  rpc.destroy();
  expect({ ...detectDedicated(read) }).toEqual(fields);
  expect(detectDedicated(read)![":path"]).toBe(serveHTTPMuxPath);
});

test("frames before the request, and bytes behind it, change nothing", () => {
  const ping = frame(frameType.ping, 0, 0, Buffer.alloc(8));
  const octets = Buffer.concat([preface, settings, ping, ping, headers, Buffer.from("whatever")]);
  expect({ ...detectDedicated(octets) }).toEqual(fields);
});

test("an opening of which a byte is missing is none", () => {
  for (let bytes = 0; bytes < opening.length; bytes += 1) {
    expect([bytes, detectDedicated(opening.subarray(0, bytes))]).toEqual([bytes, undefined]);
  }
  expect(detectDedicated(opening)).toBeDefined();
});

test.each([
  ["nothing", Buffer.alloc(0)],
  ["another protocol", Buffer.from("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")],
  ["no request", Buffer.concat([preface, settings])],
  ["a request without the field", opened(endHeaders, 1, requestWith(undefined))],
  ["another value of the field", opened(endHeaders, 1, requestWith("shared"))],
  [
    "the field twice",
    opened(endHeaders, 1, Buffer.concat([block, encodeFields({ [dedicatedField]: "dedicated" })])),
  ],
  // As grpc-java's first one is, which keeps 1 for a connection that was HTTP/1 before.
  ["a request on another stream than the first", opened(endHeaders, 3, block)],
  ["a request of a header section that goes on", opened(0, 1, block)],
  ["a request that is over", opened(endHeaders | endStream, 1, block)],
  ["a padded request", opened(endHeaders | padded, 1, Buffer.concat([Buffer.from([0]), block]))],
  [
    "a request with a priority",
    opened(endHeaders | priority, 1, Buffer.concat([Buffer.alloc(5), block])),
  ],
  ["a header section that is none", opened(endHeaders, 1, Buffer.from([0x80]))],
  [
    "one that needs a dynamic table",
    opened(endHeaders, 1, Buffer.concat([block, Buffer.from([0xbe])])),
  ],
])("%s is no opening of an RPC", (_name, octets) => {
  expect(detectDedicated(octets)).toBeUndefined();
});

function opened(flags: number, streamId: number, payload: Buffer): Buffer {
  return Buffer.concat([preface, settings, frame(frameType.headers, flags, streamId, payload)]);
}

function requestWith(value: string | undefined): Buffer {
  const plain = rpcHeaders(serveHTTPMuxPath, "http://localhost", "a-token");
  return encodeFields(value === undefined ? plain : { ...plain, [dedicatedField]: value });
}
