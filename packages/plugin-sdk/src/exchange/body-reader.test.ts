import { ServeHTTPError } from "@servehttp/contract";
import { describe, expect, it } from "vitest";
import { BodyReader } from "./body-reader.js";

const one = Buffer.from("one");
const two = Buffer.from("two");
const left = new ServeHTTPError("client-disconnected", "gone");

describe("BodyReader", () => {
  it("ends at once where the end has come already", async () => {
    const body = new BodyReader();
    expect(body.receive(undefined, [])).toBeUndefined();
    expect(await collect(body)).toEqual([]);
  });

  it("holds the carrier until the chunk is taken", async () => {
    const body = new BodyReader();
    let isTaken = false;
    const taken = body.receive(one, undefined) as Promise<void>;
    void taken.then(() => {
      isTaken = true;
    });
    await turn();
    expect(isTaken).toBe(false);
    const chunks = body[Symbol.asyncIterator]();
    expect(await chunks.next()).toEqual({ done: false, value: one });
    await taken;
  });

  it("hands a chunk straight to who waits for it", async () => {
    const body = new BodyReader();
    const chunks = body[Symbol.asyncIterator]();
    const first = chunks.next();
    expect(body.receive(one, undefined)).toBeUndefined();
    expect(await first).toEqual({ done: false, value: one });
  });

  it("gives the last chunk before the end that came with it", async () => {
    const body = new BodyReader();
    void body.receive(one, ["x-sum", "1"]);
    expect(await collect(body)).toEqual([one]);
    expect((await body.trailers).get("X-Sum")).toBe("1");
  });

  it("answers reads that don't wait for each other in order", async () => {
    const body = new BodyReader();
    const chunks = body[Symbol.asyncIterator]();
    const reads = [chunks.next(), chunks.next(), chunks.next()];
    await body.receive(one, undefined);
    await body.receive(two, []);
    expect(await Promise.all(reads)).toEqual([
      { done: false, value: one },
      { done: false, value: two },
      { done: true, value: undefined },
    ]);
  });

  it("refuses a second use", async () => {
    const body = new BodyReader();
    void body.receive(undefined, []);
    await collect(body);
    expect(() => body[Symbol.asyncIterator]()).toThrow(
      expect.objectContaining({ code: "already-read" }),
    );
  });

  it("throws where the body was cut off, to who waits and to who reads later", async () => {
    const body = new BodyReader();
    const chunks = body[Symbol.asyncIterator]();
    const waiting = chunks.next();
    body.cut(left);
    await expect(waiting).rejects.toBe(left);
    await expect(chunks.next()).rejects.toBe(left);
    await expect(body.trailers).rejects.toBe(left);
  });

  it("drops the chunk at hand and frees the carrier when the body is cut off", async () => {
    const body = new BodyReader();
    const taken = body.receive(one, undefined);
    body.cut(left);
    await taken;
    await expect(collect(body)).rejects.toBe(left);
  });

  it("still gives a complete body after the exchange was given up", async () => {
    const body = new BodyReader();
    void body.receive(one, []);
    body.cut(left);
    expect(await collect(body)).toEqual([one]);
  });

  it("takes and drops what comes after the reader has left the loop", async () => {
    const body = new BodyReader();
    const trailers = body.trailers;
    const taken = body.receive(one, undefined);
    for await (const chunk of body) {
      expect(chunk).toBe(one);
      break;
    }
    await taken;
    expect(body.receive(two, undefined)).toBeUndefined();
    expect(body.receive(two, ["a", "1"])).toBeUndefined();
    expect((await trailers).get("a")).toBe("1");
  });

  it("wakes a read that waits when it is returned", async () => {
    const body = new BodyReader();
    const chunks = body[Symbol.asyncIterator]();
    const waiting = chunks.next();
    await chunks.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await chunks.next()).toEqual({ done: true, value: undefined });
  });

  it("asks for a body that is held back at the first read, once", async () => {
    let asked = 0;
    const body = new BodyReader(() => {
      asked += 1;
      return undefined;
    });
    const chunks = body[Symbol.asyncIterator]();
    expect(asked).toBe(0);
    const first = chunks.next();
    expect(asked).toBe(1);
    void body.receive(one, undefined);
    await first;
    void chunks.next();
    expect(asked).toBe(1);
  });

  it("asks for nothing where the body came unasked", async () => {
    const body = new BodyReader(() => {
      throw new Error("asked");
    });
    void body.receive(one, []);
    expect(await collect(body)).toEqual([one]);
  });

  it("throws where the body can't be asked for", async () => {
    const refusal = new ServeHTTPError("already-committed", "too late");
    const body = new BodyReader(() => refusal);
    await expect(collect(body)).rejects.toBe(refusal);
  });
});

async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    chunks.push(chunk);
  }
  return chunks;
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
