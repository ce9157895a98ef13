import { TemporaryDirectory } from "@servehttp/testkit";
import { expect, it } from "vitest";
import { checkedByKit, commandLine, kitTimeoutMs } from "./checked-by-kit.js";
import { buildSmallestGoPlugin, reasonWithoutGo } from "./go-peer.js";
import { buildJavaPlugin } from "./java-peer.js";
import { preparePython } from "./python-peer.js";
import { repositoryRoot } from "./repository-root.js";
import { buildTonicPlugin, reasonWithoutTonic } from "./tonic-peer.js";

// Those of docs/porting.md. `npm run smallest -w @servehttp/interop` runs all of the core, and Java as well.
const isWhole = process.env["SERVEHTTP_SMALLEST"] !== undefined;
/** Without those that move a lot. */
const quick = ["--only", "Q2,Q3,Q7,D1,F1,L1,L4,L5,L6,L7"];
const asWanted = isWhole ? /^18 passed, 0 failed, 0 failed as known/m : /^15 passed, 0 failed, 0/m;
const timeout = kitTimeoutMs;

it.skipIf((await reasonWithoutGo("go")) !== undefined)(
  "the smallest plugin in Go does the core",
  { timeout },
  async () => {
    await using folder = await TemporaryDirectory.make();
    expect(await coreOf(`"${await buildSmallestGoPlugin(folder.path)}"`)).toMatch(asWanted);
  },
);

it.skipIf((await reasonWithoutTonic()) !== undefined)(
  "the smallest plugin in Rust does the core",
  { timeout: 2 * timeout },
  async () => {
    expect(await coreOf(`"${await buildTonicPlugin("smallest")}"`)).toMatch(asWanted);
  },
);

it("the smallest plugin in Python does the core", { timeout }, async () => {
  await using folder = await TemporaryDirectory.make();
  const { python, env } = await preparePython(folder.path);
  const command = [python, `${repositoryRoot}interop/python/smallest.py`];
  expect(await coreOf(commandLine({ command, env }))).toMatch(asWanted);
});

it.runIf(isWhole)(
  "the smallest plugin in Java does the core",
  { timeout: 2 * timeout },
  async () => {
    expect(await coreOf(await buildJavaPlugin())).toMatch(asWanted);
  },
);

async function coreOf(plugin: string): Promise<string> {
  return await checkedByKit(plugin, "--core", ...(isWhole ? [] : quick));
}
