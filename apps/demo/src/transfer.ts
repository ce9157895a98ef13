// Sends a gibibyte up and down through the files plugin of a demo of its own, and says how fast it
// went and how much the host and the plugin grew meanwhile. Ends with 1 where a hash differs or one
// of them grew by more than it may.
import { createCipheriv, createHash, type Hash } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { Readable } from "node:stream";
import { json } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { type DemoProcess, startDemoProcess } from "./demo-process.js";

const growthBytesMax = 32 * 1_048_576;
const pieceBytes = 262_144;

const { values } = parseArgs({ options: { mib: { type: "string", default: "1024" } } });
const sizeBytes = Number(values.mib) * 1_048_576;
if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0) {
  throw new Error(`--mib must be a number of mebibytes, not ${JSON.stringify(values.mib)}`);
}

await using demo = await startDemoProcess();
const url = new URL("plugins/files/content/transfer.bin", demo.url);
const expected = createHash("sha256");
for (const piece of pseudorandomBytes()) {
  expected.update(piece);
}
const sha256 = expected.digest("hex");
const watched = await processesOf(demo);
const before = await Promise.all(watched.map(({ pid }) => memoryOf(pid)));

const up = await measured("up", async () => {
  const stored = (await put(Readable.from(pseudorandomBytes(), { objectMode: false }))) as {
    sha256: string;
  };
  return stored.sha256;
});
const down = await measured("down", async () => {
  const hash = createHash("sha256");
  await download(hash);
  return hash.digest("hex");
});
const grown = await Promise.all(
  watched.map(async ({ name, pid }, index) => {
    const { peakBytes } = await memoryOf(pid);
    const grownBytes = peakBytes - (before[index]?.nowBytes ?? 0);
    console.log(
      `${name.padEnd(6)} grew by ${mib(grownBytes)} MiB at the most, to ${mib(peakBytes)} MiB`,
    );
    return grownBytes <= growthBytesMax;
  }),
);
if (!up || !down || grown.includes(false)) {
  console.log(
    `not as promised: equal hashes, and ${mib(growthBytesMax)} MiB of growth at the most`,
  );
  process.exitCode = 1;
}

async function measured(way: string, transfer: () => Promise<string>): Promise<boolean> {
  const startMs = performance.now();
  const equal = (await transfer()) === sha256;
  const seconds = (performance.now() - startMs) / 1_000;
  const rate = (sizeBytes / 1_048_576 / seconds).toFixed(0);
  console.log(
    `${way.padEnd(6)} ${mib(sizeBytes)} MiB in ${seconds.toFixed(1)} s, ${rate} MiB/s, ` +
      `SHA-256 ${equal ? "equal" : "DIFFERENT"}`,
  );
  return equal;
}

/**
 * The same bytes each time: the key stream of AES, which no compression and no mix-up of blocks
 * survives.
 */
function* pseudorandomBytes(): Generator<Buffer> {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, 1), Buffer.alloc(16));
  const zeros = Buffer.alloc(pieceBytes);
  for (let left = sizeBytes; left > 0; left -= pieceBytes) {
    yield cipher.update(zeros.subarray(0, Math.min(left, pieceBytes)));
  }
}

async function put(body: Readable): Promise<unknown> {
  const outgoing = request(url, { method: "PUT", headers: { "content-length": sizeBytes } });
  const answered = once(outgoing, "response") as Promise<[IncomingMessage]>;
  await pipeline(body, outgoing);
  const [response] = await answered;
  return json(response);
}

async function download(hash: Hash): Promise<void> {
  const answered = once(request(url).end(), "response") as Promise<[IncomingMessage]>;
  const [response] = await answered;
  for await (const chunk of response) {
    hash.update(chunk as Buffer);
  }
}

async function processesOf({
  url: page,
  pid,
}: DemoProcess): Promise<{ name: string; pid: number }[]> {
  const { plugins } = (await (await fetch(new URL("host", page))).json()) as {
    plugins: { id: string; pid: number }[];
  };
  const files = plugins.find(({ id }) => id === "files");
  if (files === undefined) {
    throw new Error("the demo has no files plugin");
  }
  const processes = [
    { name: "host", pid },
    { name: "plugin", pid: files.pid },
  ];
  // From here on the kernel's mark of the peak counts anew (proc_pid_clear_refs(5)).
  await Promise.all(processes.map((each) => writeFile(`/proc/${each.pid}/clear_refs`, "5")));
  return processes;
}

async function memoryOf(pid: number): Promise<{ nowBytes: number; peakBytes: number }> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const bytesOf = (name: string) =>
    Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, "m").exec(status)?.[1]) * 1_024;
  return { nowBytes: bytesOf("VmRSS"), peakBytes: bytesOf("VmHWM") };
}

function mib(bytes: number): string {
  return (bytes / 1_048_576).toFixed(0);
}
