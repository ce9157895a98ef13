import { defineConfig } from "vitest/config";

// Apart from `npm test`: it needs Debian's Knot DNS.
export default defineConfig({
  test: {
    include: ["src/fleet/*.acceptance.ts"],
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000, interval: 50 } },
  },
});
