import { createSocket } from "node:dgram";
import { once } from "node:events";
import { expect, it } from "vitest";
import { DnsLookup } from "./dns-lookup.js";

const typeA = 1;
const refused = 5;

/** A DNS server that has one IPv4 address for every name, and refuses to answer for anything else. */
async function serverOf(address: readonly number[]) {
  const socket = createSocket("udp4");
  socket.on("message", (query, { port }) => {
    // Behind the header of 12 bytes stand the name's labels, which end with an empty one, and the type.
    const nameEnd = query.indexOf(0, 12) + 1;
    const question = query.subarray(12, nameEnd + 4);
    const isKnown = query.readUInt16BE(nameEnd) === typeA;
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8180 | (isKnown ? 0 : refused), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(isKnown ? 1 : 0, 6);
    // The name of the question, A, IN, 30 seconds, 4 bytes.
    const answer = Buffer.from([0xc0, 12, 0, typeA, 0, 1, 0, 0, 0, 30, 0, 4, ...address]);
    socket.send(Buffer.concat([header, question, ...(isKnown ? [answer] : [])]), port, "127.0.0.1");
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    lookup: new DnsLookup(`127.0.0.1:${socket.address().port}`),
    [Symbol.dispose]: () => void socket.close(),
  };
}

it("takes what a server has that answers for one kind of address alone", async () => {
  using server = await serverOf([10, 0, 0, 1]);
  const { signal } = new AbortController();
  expect(await server.lookup.addresses("search.test", signal)).toEqual({
    addresses: ["10.0.0.1"],
    ttlMs: 30_000,
    unknown: "IPv6",
  });
  await expect(server.lookup.services("_grpc._tcp.search.test", signal)).rejects.toThrow(
    "the DNS server refused to answer (REFUSED)",
  );
});
