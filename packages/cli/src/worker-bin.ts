import { enableCompileCache } from "node:module";

enableCompileCache();
// Not at the top, so that the cache is there first.
const { runWorker, tell } = await import("./workers/run-worker.js");
const { processContext } = await import("./context/command-context.js");

const [flags = "{}"] = process.argv.slice(2);
try {
  await runWorker(JSON.parse(flags) as Parameters<typeof runWorker>[0], processContext());
} catch (thrown) {
  tell({ worker: "failed", message: (thrown as Error).message });
  process.exitCode = 1;
}
if (process.connected) {
  process.disconnect();
}
