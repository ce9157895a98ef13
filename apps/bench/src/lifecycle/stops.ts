import { readdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { SeededRandom } from "@servehttp/testkit";

import { LifecycleHost } from "./lifecycle-host.js";
import type { LifecycleResult } from "./lifecycle-result.js";
import { childCount, descriptorCount } from "./processes.js";

const startMsMax = 1_500;

/** Stops hosts at random moments of their start: no child, descriptor or file is left. */
export async function stops(count: number, seed: number): Promise<LifecycleResult> {
  const random = new SeededRandom(seed);
  const { TMPDIR } = process.env;
  const directory = mkdtempSync(join(tmpdir(), "lifecycle-"));
  process.env["TMPDIR"] = directory;
  {
    // What Node opens once and keeps.
    await using host = await LifecycleHost.listen(1);
    await host.host.start();
  }
  const before = { children: childCount(), descriptors: descriptorCount() };
  for (let stop = 0; stop < count; stop += 1) {
    await using host = await LifecycleHost.listen(2);
    const started = host.host.start();
    await delay(random.integer(0, startMsMax));
    await host.host.stop({ drainMs: 0 });
    await started;
  }
  // What a stop has begun behind its own back would be there by then.
  await delay(2 * startMsMax);
  const children = childCount() - before.children;
  const descriptors = descriptorCount() - before.descriptors;
  const files = readdirSync(directory).length;
  rmSync(directory, { recursive: true });
  process.env["TMPDIR"] = TMPDIR ?? tmpdir();
  return {
    isRight: children <= 0 && descriptors <= 0 && files === 0,
    text: `${count} stops at random moments of a start: ${children} children, ${descriptors} descriptors, ${files} files left`,
  };
}
