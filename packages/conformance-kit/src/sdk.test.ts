import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { runKit } from "./run-kit.js";

const plugin = fileURLToPath(new URL("../dist/test-rig/kit-plugin.js", import.meta.url));
const echoPlugin = fileURLToPath(new URL("../dist/test-rig/echo-plugin.js", import.meta.url));
const faultyPlugin = fileURLToPath(new URL("../dist/test-rig/faulty-plugin.js", import.meta.url));

/** Otherwise garbage fills a process up to some 60 MiB, whatever it does. */
const command = `"${process.execPath}" --max-semi-space-size=1`;

// A run on a busy machine takes many times what it takes otherwise.
const timeoutMs = 180_000;

it.each(["stream", "mux"] as const)(
  "finds nothing wrong with the TypeScript SDK on %s",
  { timeout: timeoutMs },
  async (carrier) => {
    const { results, software } = await runKit({
      plugin: `${command} "${plugin}"`,
      carriers: [carrier],
      timeoutSeconds: 60,
    });
    expect(results.filter(({ outcome }) => outcome !== "passed")).toEqual([]);
    expect(results.length).toBeGreaterThan(70);
    expect(software).toMatch(/^servehttp-plugin-sdk\//);
  },
);

it(
  "does the core of a plugin that echoes, and finds where one trusts an end that is none",
  { timeout: timeoutMs },
  async () => {
    const only = ["Q2", "Q3", "Q7", "D1", "F1", "L4"];
    const options = { core: true, only, timeoutSeconds: 60 };
    const { results } = await runKit({ plugin: `${command} "${echoPlugin}"`, ...options });
    expect(results.filter(({ outcome }) => outcome !== "passed")).toEqual([]);
    expect(results.length).toBeGreaterThan(15);
    const trusting = `${command} "${echoPlugin}" --trusting`;
    const cuts = { core: true, only: ["Q7"], timeoutSeconds: 1 };
    const found = await runKit({ plugin: trusting, ...cuts });
    const failed = found.results.filter(({ outcome }) => outcome === "failed");
    expect(failed.map(({ name }) => name)).toEqual([
      // The SDK itself sees to a half-close.
      "stream/Q7.reset",
      "stream/Q7.connection",
      "mux/Q7.reset",
      "mux/Q7.connection",
    ]);
  },
);

it(
  "finds what a faulty plugin gets wrong, and says what was sent and what came",
  { timeout: timeoutMs },
  async () => {
    const wrong = [
      "R1.methods",
      "E3.values",
      "Q7.reset",
      "Q7.whole-length",
      "P11.as-written",
      "F1.after",
      "L5.drain",
    ];
    const { results, asExpected } = await runKit({
      plugin: `${command} "${faultyPlugin}"`,
      carriers: ["mux"],
      only: ["R2", "Q3.merged", ...wrong],
      timeoutSeconds: 2,
    });
    const failed = results.filter(({ outcome }) => outcome === "failed");
    expect(failed.map(({ id }) => id).toSorted()).toEqual(wrong.toSorted());
    expect(asExpected).toBe(false);
    expect(failed.find(({ id }) => id === "Q7.reset")).toMatchObject({
      name: "mux/Q7.reset",
      message:
        'what the handler saw of its body, and its end: ["ended","returned"] in place of ["cut","failed"]',
      trace: expect.arrayContaining(["sent chunk of 1000", "sent reset with code 1"]),
    });
  },
);
