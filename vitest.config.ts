import { defineConfig } from "vitest/config";

const isFullSize = process.env["SERVEHTTP_FULL"] !== undefined;

/**
 * They look at memory, descriptors and children of the process that they run in, or run frameworks
 * that replace globals of it, such as `Response`.
 */
const ofTheirProcess = [
  "packages/host-bridge/src/process/*.test.ts",
  "packages/conformance/src/frameworks/*.test.ts",
];

/** They look at the clock, or at the memory of processes under load: one after the other, when nothing else runs. */
const measured = [
  "packages/conformance/src/behaviours/bulk.test.ts",
  "packages/conformance/src/calls/bulk-calls.test.ts",
  "packages/conformance/src/leaks/*.test.ts",
  "packages/conformance/src/plugin-death.test.ts",
  "packages/conformance/src/tunnels.test.ts",
  "packages/plugin-sdk/src/serve/process-end.test.ts",
];

const shared = {
  // Processes, because memory, handles and open HTTP/2 sessions belong to a process.
  pool: "forks",
  execArgv: ["--expose-gc"],
  setupFiles: ["packages/testkit/src/disposable-stacks.ts"].filter(
    () => globalThis.AsyncDisposableStack === undefined,
  ),
  testTimeout: isFullSize ? 180_000 : 30_000,
  hookTimeout: 30_000,
  // What a test waits for comes when the machine has time for it.
  expect: { poll: { timeout: 15_000, interval: 20 } },
} as const;

export default defineConfig({
  test: {
    // Vitest would leave a processor free for itself, which on two is half of them.
    maxWorkers: "100%",
    projects: [
      {
        test: {
          ...shared,
          name: "quick",
          include: [
            "packages/*/src/**/*.test.ts",
            "packages/admin/dashboard/src/**/*.test.ts",
            "apps/*/src/**/*.test.ts",
          ],
          exclude: [...ofTheirProcess, ...measured],
          isolate: false,
        },
      },
      { test: { ...shared, name: "own-process", include: ofTheirProcess } },
      {
        test: {
          ...shared,
          name: "measured",
          include: measured,
          fileParallelism: false,
          isolate: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
