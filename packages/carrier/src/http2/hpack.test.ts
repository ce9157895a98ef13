import { once } from "node:events";
import { connect, createServer, type OutgoingHttpHeaders } from "node:http2";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ConnectedSockets, FramePeer, randomRuns, until } from "@servehttp/testkit";
import type { HeaderFields } from "../wire/header-fields.js";
import { HeaderCache } from "./header-cache.js";
import { decodeFields, encodeFields, HpackError } from "./hpack.js";
import { HpackDynamicTable } from "./hpack-dynamic-table.js";
import { frameFlag, frameType, preface, settingId, settingsFrame } from "./frames.js";

const request = { ":method": "POST", ":path": "/a", ":authority": "localhost", ":scheme": "http" };

test("what is encoded is decoded, and the order of names is kept", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,30}$/);
  const value = fc.uint8Array({ maxLength: 300 }).map((octets) => latin1(octets));
  fc.assert(
    fc.property(fc.dictionary(name, value), (fields) => {
      const decoded = decodeFields(encodeFields(fields));
      expect(Object.entries(decoded)).toEqual(Object.entries(fields));
    }),
  );
});

test("strings of every length around those that take one byte more are decoded", () => {
  for (const length of [0, 1, 126, 127, 128, 254, 255, 256, 16_510, 16_511, 16_512]) {
    const fields = { a: "x".repeat(length) };
    expect([length, decodeFields(encodeFields(fields))]).toEqual([length, fields]);
  }
});

test("any bytes are fields or an HpackError, never another failure", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (block) => {
      let outcome: unknown;
      try {
        outcome = decodeFields(block);
      } catch (error) {
        outcome = error;
      }
      expect(outcome instanceof Error).toBe(outcome instanceof HpackError);
    }),
    randomRuns(5_000),
  );
});

test("reads what nghttp2 encodes: Huffman codes of all bytes, static entries, literals of each kind", async () => {
  const fields: OutgoingHttpHeaders = {
    ...request,
    "content-type": "application/grpc+proto",
    te: "trailers",
    // Too long to be indexed, and never to be.
    "x-long": "a".repeat(5_000),
    authorization: "Bearer abc",
    cookie: "a=b",
  };
  // Node puts NUL between its own fields. Among many an "a" even the longest code is worth it.
  for (let octet = 1; octet < 256; octet += 1) {
    fields[`x-${octet}`] = `${"a".repeat(40)}${String.fromCharCode(octet)}`;
  }
  const [block = Buffer.alloc(0)] = await encodedByNode([fields], 0);
  expect({ ...decodeFields(block) }).toEqual(fields);
  expect(block.includes("aaaa")).toBe(false);
});

test("reads the Huffman code of NUL, which Node can't be made to send", () => {
  // RFC 7541, appendix B: thirteen bits, and three of padding.
  expect(decodeFields(Buffer.from([0x00, 1, 0x61, 0x82, 0xff, 0xc7])).a).toBe("\0");
});

test("nghttp2 reads what is encoded", async () => {
  await using sockets = await ConnectedSockets.open();
  const server = createServer();
  const served = once(server, "stream");
  server.emit("connection", sockets.plugin);
  const values = Array.from({ length: 4 }, (_, at) => latin1(octetsFrom(at === 0 ? 33 : at * 64)));
  const fields: HeaderFields = {
    ...request,
    "x-0": values[0]!,
    "x-2": values[2]!,
    "x-3": values[3]!,
  };
  const peer = new FramePeer(sockets.host, "host");
  sockets.host.write(Buffer.concat([preface, settingsFrame([])]));
  peer.send(frameType.headers, frameFlag.endHeaders, 1, encodeFields(fields));
  const [stream, headers] = (await served) as [{ close(): void }, Record<string, string>];
  expect({ ...headers }).toMatchObject(fields);
  stream.close();
});

test("a name that comes twice has its values joined, and one of Object's own is a name like any other", () => {
  const twice = Buffer.concat([encodeFields({ a: "1" }), encodeFields({ a: "2" })]);
  expect(decodeFields(twice).a).toBe("1, 2");
  for (const name of ["__proto__", "constructor", "tostring", "hasownproperty"]) {
    const fields = decodeFields(Buffer.concat([literal(name, "1"), literal(name, "2")]));
    expect(Object.entries(fields)).toEqual([[name, "1, 2"]]);
    expect(fields["content-type"]).toBeUndefined();
  }
  expect({}).not.toHaveProperty("1");
});

test("a dynamic table of no size is said in front of the fields, as nghttp2 does when it is told so", () => {
  expect({ ...decodeFields(Buffer.from([0x20, 0x20, 0x88])) }).toEqual({ ":status": "200" });
});

test("with a table, fields of earlier sections are known, until newer ones take their room", () => {
  const table = new HpackDynamicTable();
  const read = (hex: string) => Object.entries(decodeFields(Buffer.from(hex, "hex"), table));
  const head = (scheme: string, path: string) => [
    [":method", "GET"],
    [":scheme", scheme],
    [":path", path],
    [":authority", "www.example.com"],
  ];
  // RFC 7541, appendix C.3.
  expect(read("828684410f7777772e6578616d706c652e636f6d")).toEqual(head("http", "/"));
  expect(read("828684be58086e6f2d6361636865")).toEqual([
    ...head("http", "/"),
    ["cache-control", "no-cache"],
  ]);
  expect(read("828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565")).toEqual([
    ...head("https", "/index.html"),
    ["custom-key", "custom-value"],
  ]);
  // A table of 54 bytes has room for the newest entry alone, and one of none for none.
  expect(read("3f17be")).toEqual([["custom-key", "custom-value"]]);
  expect(() => read("bf")).toThrow(HpackError);
  expect(() => read("20be")).toThrow(HpackError);
  expect(() => read("3fe21f")).toThrow(HpackError);
});

test("with a table, what an encoder with the default table writes is decoded, however much it forgets", async () => {
  const sections = Array.from({ length: 200 }, (_, at) => ({
    ...request,
    "x-same": "always",
    [`x-${at % 70}`]: "v".repeat((at * 37) % 150),
  }));
  const table = new HpackDynamicTable();
  for (const [at, block] of (await encodedByNode(sections, 4_096)).entries()) {
    expect({ ...decodeFields(block, table) }).toEqual(sections[at]);
  }
  // At least the new field of each section was put there, and the old one taken from there.
  expect(table.uses).toBeGreaterThan(2 * sections.length);
});

test("a section that uses the table is read anew each time that its bytes come", () => {
  const cache = new HeaderCache();
  const read = (hex: string) => Object.entries(cache.decode(Buffer.from(hex, "hex")));
  const newest = "be";
  for (const [section, fields] of [
    ["4001610162", [["a", "b"]]],
    ["4001630164", [["c", "d"]]],
    ["4001610162", [["a", "b"]]],
  ] as const) {
    expect(read(section)).toEqual(fields);
    expect(read(newest)).toEqual(fields);
  }
});

test.each([
  ["index 0", [0x80]],
  ["an index behind the static table", [0xbe]],
  ["a name of an index behind the static table", [0x7e, 0]],
  ["an index without its end", [0xff]],
  ["an index that goes on for ever", [0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]],
  ["an index of 2^28 and more", [0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
  ["a literal without name and value", [0x00]],
  ["a literal without value", [0x00, 1, 0x61]],
  ["a value that is cut off", [0x00, 1, 0x61, 5, 0x62]],
  ["a length that is cut off", [0x00, 1, 0x61, 0x7f]],
  ["a length of 2^28 bytes", [0x00, 1, 0x61, 0x7f, 0xff, 0xff, 0xff, 0x7f]],
  ["a dynamic table of 4,096 bytes", [0x3f, 0xe1, 0x1f]],
  ["the size of a table behind a field", [0x88, 0x20]],
  ["the code of EOS", [0x00, 1, 0x61, 0x84, 0xff, 0xff, 0xff, 0xff]],
  ["padding of eight ones", [0x00, 1, 0x61, 0x82, 0x1f, 0xff]],
  ["padding that is not of ones", [0x00, 1, 0x61, 0x81, 0x18]],
])("refuses %s", (_name, octets) => {
  expect(() => decodeFields(Buffer.from(octets))).toThrow(HpackError);
});

/** The header sections that Node's client sends to who has allowed a dynamic table of that size. */
async function encodedByNode(
  sections: readonly OutgoingHttpHeaders[],
  tableBytes: number,
): Promise<Buffer[]> {
  await using sockets = await ConnectedSockets.open();
  const peer = new FramePeer(sockets.plugin, "plugin");
  sockets.plugin.write(
    settingsFrame([
      [settingId.headerTableSize, tableBytes],
      [settingId.maxHeaderListSize, 1_000_000],
    ]),
  );
  const session = connect("http://localhost", { createConnection: () => sockets.host });
  await once(session, "remoteSettings");
  for (const fields of sections) {
    session.request(fields).on("error", () => undefined);
  }
  const frames = () =>
    peer.frames.filter(({ type }) => type === frameType.headers || type === frameType.continuation);
  const isLast = ({ flags }: { flags: number }) => (flags & frameFlag.endHeaders) !== 0;
  await until(() => frames().filter(isLast).length === sections.length, "all header sections");
  session.destroy();
  const blocks: Buffer[] = [];
  let pieces: Buffer[] = [];
  for (const frame of frames()) {
    const { flags, payload } = frame;
    pieces.push((flags & frameFlag.priority) === 0 ? payload : payload.subarray(5));
    if (isLast(frame)) {
      blocks.push(Buffer.concat(pieces));
      pieces = [];
    }
  }
  return blocks;
}

function literal(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0x00, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}

function octetsFrom(first: number): Uint8Array {
  return Uint8Array.from({ length: 62 }, (_, at) => first + at).filter((octet) => octet !== 127);
}

function latin1(octets: Uint8Array): string {
  return Buffer.from(octets).toString("latin1");
}
