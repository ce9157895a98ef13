import { defineConfig } from "vitest/config";

// Apart from `npm test`: it installs frameworks from the registry, and needs Debian's chromium.
export default defineConfig({
  test: {
    include: ["src/examples/*.acceptance.ts"],
    pool: "forks",
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000, interval: 50 } },
  },
});
