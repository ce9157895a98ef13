import { TemporaryDirectory } from "@servehttp/testkit";
import { expect, it } from "vitest";
import { checkedByKit, commandLine, kitTimeoutMs } from "./checked-by-kit.js";
import { repositoryRoot } from "./repository-root.js";
import { buildableSamples, prepareSample } from "./sample-plugins.js";

// `npm run samples -w @servehttp/interop` runs all of the core, for every stack.
const isWhole = process.env["SERVEHTTP_SAMPLES"] !== undefined;
const stacks = isWhole ? await buildableSamples() : (["connect-node", "grpc-js"] as const);
/** Without those that move a lot. */
const quick = ["--only", "Q2,Q3,Q7,D1,F1,L1,L4,L5,L6,L7"];

it.each(stacks)(
  "the plugin on %s does the core, but for what is known",
  { timeout: 2 * kitTimeoutMs },
  async (stack) => {
    await using folder = await TemporaryDirectory.make();
    const plugin = commandLine(await prepareSample(stack, folder.path));
    const list = `${repositoryRoot}interop/known-failures/${stack}.txt`;
    const options = ["--core", ...(isWhole ? [] : quick), "--known-failures", list];
    const report = await checkedByKit(plugin, ...options);
    expect(report).toMatch(/^[1-9]\d* passed, 0 failed, \d+ failed as known, 0 fixed, 0 skipped/m);
    if (isWhole) {
      console.log(report);
    }
  },
);
