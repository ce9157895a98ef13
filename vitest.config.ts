import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "apps/*/src/**/*.test.ts"],
    // Processes, so that memory, handles and open HTTP/2 sessions of one file are nobody else's.
    pool: "forks",
    execArgv: ["--expose-gc"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // What a test waits for comes when the machine has time for it.
    expect: { poll: { timeout: 15_000, interval: 20 } },
  },
});
