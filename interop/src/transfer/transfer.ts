/**
 * npm run transfer -w @servehttp/interop -- --plugin "sdks/python/.venv/bin/python sdks/python/tests/everything_plugin.py" [--mib 1024]
 *
 * Sends 1 GiB to a plugin, and then 1 GiB to it and back, on mux and on stream, each time to a new process. The plugin is any command
 * that serves `/hash` and `/echo` of engine-plugin.ts. Prints whether the hashes are equal and by how much the plugin's process grew:
 * from its resident set after a transfer of 16 MiB to its highest. Leaves with code 1 where bytes differ or it grew by more than 32 MiB.
 */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { createPluginHost } from "@servehttp/host-bridge";
import { Call } from "../call.js";
import { repositoryRoot } from "../repository-root.js";

const mebibyte = 1_048_576;
const growthBytesMax = 32 * mebibyte;
const warmUpBytes = 16 * mebibyte;

const { values } = parseArgs({
  options: { plugin: { type: "string" }, mib: { type: "string", default: "1024" } },
});
if (values.plugin === undefined) {
  console.error('transfer: give a plugin: --plugin "COMMAND"');
  process.exit(2);
}
const command = values.plugin.split(" ");
const bodyBytes = Number(values.mib) * mebibyte;

for (const carrier of ["mux", "stream"] as const) {
  for (const path of ["/hash", "/echo"] as const) {
    const { same, seconds, grownBytes } = await transferTo(carrier, path);
    const good = same && grownBytes <= growthBytesMax;
    console.log(
      `${carrier.padEnd(6)} ${path === "/hash" ? "up         " : "up and back"} ${values.mib} MiB in ${seconds.toFixed(1)} s` +
        `  hashes ${same ? "equal" : "DIFFER"}  the plugin grew by ${(grownBytes / mebibyte).toFixed(1)} MiB` +
        `  ${good ? "passed" : "FAILED"}`,
    );
    if (!good) {
      process.exitCode = 1;
    }
  }
}

interface Transferred {
  readonly same: boolean;
  readonly seconds: number;
  readonly grownBytes: number;
}

/** One transfer through a host of its own to a plugin of its own: a highest resident set never falls. */
async function transferTo(
  carrier: "mux" | "stream",
  path: "/hash" | "/echo",
): Promise<Transferred> {
  await using host = createPluginHost({
    plugins: { example: { command, carrier, cwd: repositoryRoot } },
    timeouts: { totalMs: 0 },
    logger: false,
  });
  await host.start();
  const server = createServer();
  server.requestTimeout = 0;
  host.attach(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/plugins/example${path}`;
  const pid = host.plugins[0]?.pid;
  await send(url, warmUpBytes);
  const before = await statusBytes(pid, "VmRSS");
  const start = performance.now();
  const same = await send(url, bodyBytes);
  const seconds = (performance.now() - start) / 1_000;
  const grownBytes = (await statusBytes(pid, "VmHWM")) - before;
  server.closeAllConnections();
  server.close();
  return { same, seconds, grownBytes };
}

/** Sends random bytes. Says whether the hash that comes back, or that of the bytes that come back, is theirs. */
async function send(url: string, bytes: number): Promise<boolean> {
  const call = new Call(url, { method: "POST" });
  const sent = createHash("sha256");
  const block = randomBytes(mebibyte);
  const sending = (async () => {
    for (let at = 0; at < bytes; at += block.length) {
      // No two blocks are alike.
      block.writeDoubleBE(at, at % 1_000);
      const piece = Buffer.from(block);
      sent.update(piece);
      await call.write(piece);
    }
    call.end();
  })();
  const received = createHash("sha256");
  let text = "";
  for await (const chunk of await call.response()) {
    received.update(chunk as Buffer);
    text = (chunk as Buffer).toString("latin1");
  }
  await sending;
  const sha256 = sent.digest("hex");
  return text === sha256 || received.digest("hex") === sha256;
}

async function statusBytes(pid: number | undefined, name: "VmRSS" | "VmHWM"): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * 1_024;
}
