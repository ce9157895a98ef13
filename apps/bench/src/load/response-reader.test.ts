import { expect, test } from "vitest";

import { ResponseReader } from "./response-reader.js";

const plain = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const chunked =
  "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\nx-t: 1\r\n\r\n";
const empty = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

function read(pieces: readonly string[]): string[] {
  const seen: string[] = [];
  let body = "";
  const reader = new ResponseReader({
    onHead: (status) => seen.push(String(status)),
    onBody: (chunk) => (body += chunk.toString("latin1")),
    onEnd: () => {
      seen.push(body);
      body = "";
    },
  });
  for (const piece of pieces) {
    reader.push(Buffer.from(piece, "latin1"));
  }
  return seen;
}

const expected = ["200", "hello", "404", "abc0123456789", "200", "", "200", "hello"];

test("reads responses that follow each other in one piece", () => {
  expect(read([plain + chunked + empty + plain])).toEqual(expected);
});

test("reads the same wherever the pieces are cut", () => {
  const all = plain + chunked + empty + plain;
  for (let size = 1; size < 40; size++) {
    const pieces = all.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
    expect(read(pieces)).toEqual(expected);
  }
});

test("refuses a response whose end it could not see", () => {
  expect(() => read(["HTTP/1.1 200 OK\r\n\r\nhello"])).toThrow(/unknown length/);
});
