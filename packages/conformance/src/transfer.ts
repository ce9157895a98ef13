import { createHash, randomUUID } from "node:crypto";
import { keyOf, type NamedHandler } from "./behaviour.js";
import type { ReadBody } from "./behaviours/request.js";
import { Http1Client, Http2Client, type HttpClient } from "servehttp-conformance/testing";
import { received, sent } from "./measured-handlers.js";
import type { ProcessReport } from "./observation/process-report.js";
import { seededChunks, seededSha256 } from "./seeded-bytes.js";
import { startTarget } from "./targets/start-target.js";
import type { Target } from "./targets/target.js";
import { targetNames } from "./targets/target-names.js";

/**
 * Sends 1 GiB up and 1 GiB down through a host and a plugin, and prints whether the hashes are
 * equal and by how much each process grew: from its resident set at rest, after a transfer of 16 MiB, to
 * its highest. Exits with 1 if bytes differ or a process grew by more than 32 MiB.
 */
const mebibyte = 1_048_576;
const sizeBytes = Number(process.env["TRANSFER_MIB"] ?? 1_024) * mebibyte;
const warmUpBytes = 16 * mebibyte;
const growthBytesMax = 32 * mebibyte;

/** Without these, garbage fills a process up to some 60 MiB, on plain `node:http` as well. */
const lean = ["--max-semi-space-size=1"];

const uploadSha256 = seededSha256("received", sizeBytes);
const downloadSha256 = seededSha256("sent", sizeBytes);

for (const targetName of targetNames) {
  for (const protocol of ["http1", "http2"] as const) {
    for (const direction of ["up", "down"] as const) {
      // New processes for each transfer, because a high-water mark never falls.
      await using target = await startTarget(targetName, { nodeFlags: lean });
      using client =
        protocol === "http1"
          ? new Http1Client(target.http1Port)
          : new Http2Client(target.http2Port);
      const transfer = direction === "up" ? upload : download;
      await transfer(target, client, warmUpBytes);
      const before = await reports(target);
      const start = performance.now();
      const sha256 = await transfer(target, client, sizeBytes);
      const seconds = (performance.now() - start) / 1_000;
      const after = await reports(target);
      const same = sha256 === (direction === "up" ? uploadSha256 : downloadSha256);
      const grewBytes = after.map((report, at) => growth(report, before[at]));
      const [front, plugin] = grewBytes.map((bytes) => `${(bytes / mebibyte).toFixed(1)} MiB`);
      console.log(
        `${targetName.padEnd(6)} ${client.protocol} ${direction.padEnd(4)} ${sizeBytes / mebibyte} MiB in ${seconds.toFixed(1)} s` +
          `  sha256 ${sha256.slice(0, 16)} ${same ? "equal" : "DIFFERS"}` +
          `  ${targetName === "direct" ? "server" : "host"} +${front}  plugin +${plugin}`,
      );
      if (!same || (targetName !== "direct" && grewBytes.some((bytes) => bytes > growthBytesMax))) {
        process.exitCode = 1;
      }
    }
  }
}

async function upload(target: Target, client: HttpClient, bytes: number): Promise<string> {
  const open = client.open({ path: pathOf(target, received), body: "stream" });
  for (const chunk of seededChunks("received", bytes)) {
    await open.write(chunk);
  }
  open.end();
  const read = JSON.parse(Buffer.from(await open.rest()).toString()) as ReadBody;
  return read.sha256;
}

async function download(target: Target, client: HttpClient, bytes: number): Promise<string> {
  const open = client.open({ path: `${pathOf(target, sent)}?bytes=${bytes}` });
  const hash = createHash("sha256");
  for (let chunk = await open.read(); chunk !== undefined; chunk = await open.read()) {
    hash.update(chunk);
  }
  return hash.digest("hex");
}

async function reports(target: Target): Promise<readonly ProcessReport[]> {
  const processes = await Promise.all([target.front(), target.plugin()]);
  return Promise.all(processes.map((one) => one.report()));
}

/** The growth from the resident set at rest to the highest. */
function growth(after: ProcessReport, before: ProcessReport | undefined): number {
  return after.rssMaxBytes - (before?.rssBytes ?? 0);
}

function pathOf(target: Target, handler: NamedHandler): string {
  return `${target.base}/case/${keyOf(handler)}/${randomUUID()}`;
}
