import { defineConfig } from "vitest/config";

// Apart from `npm test`, since it needs Debian's chromium at /usr/bin/chromium.
export default defineConfig({
  test: {
    include: ["src/**/*.browser-test.ts"],
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000, interval: 50 } },
  },
});
