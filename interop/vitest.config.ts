import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["interop/src/**/*.test.ts"],
    pool: "forks",
    // One stack at a time: two builds and a Python start at once make each of them slow.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 420_000,
  },
});
