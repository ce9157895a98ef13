/**
 * A collector of traces that takes everything and keeps nothing. Tells the process that has forked
 * it on which port it listens, and ends with that process.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const server = createServer((request, response) => {
  request.resume().on("end", () => response.end());
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  process.send?.({ port });
});
process.once("disconnect", () => process.exit());
