import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keyOf } from "./behaviour.js";
import { beginTunnel, echoed, requestFields } from "./behaviours/tunnel.js";
import {
  call,
  Http1Client,
  Http2Client,
  RawConnection,
  type TestExchange,
} from "servehttp-conformance/testing";
import { cancelled, earlyAnswer, neighbour, silent } from "./measured-handlers.js";
import { until } from "./settled.js";
import { startTarget } from "./targets/start-target.js";
import type { Target } from "./targets/target.js";
import { targetNames } from "./targets/target-names.js";

/** What is open when the plugin dies: without a head, within a body, at its start. */
const inEveryState = [silent, neighbour, cancelled].map(keyOf);

// On the direct target the handlers run in the server itself.
for (const targetName of targetNames.filter((name) => name !== "direct")) {
  describe(`${targetName}: a plugin that is killed`, () => {
    let target: Target;
    beforeEach(async () => {
      target = await startTarget(targetName);
    });
    afterEach(async () => {
      await target[Symbol.asyncDispose]();
    });

    it("F2 ends every exchange broken or with 502 within a second, is 503 meanwhile, and comes back", async () => {
      using http1 = new Http1Client(target.http1Port);
      using http2 = new Http2Client(target.http2Port);
      const plugin = await target.plugin();
      const open: TestExchange[] = [];
      for (const client of [http1, http2]) {
        for (const handler of inEveryState) {
          for (let count = 0; count < 10; count += 1) {
            open.push(client.open({ path: `${target.base}/case/${handler}/${randomUUID()}` }));
          }
        }
        for (let count = 0; count < 10; count += 1) {
          const path = `${target.base}/case/${keyOf(earlyAnswer)}/${randomUUID()}`;
          await call(client, { path });
        }
      }
      const upload = http1.open({ path: `${target.base}/x`, body: "stream" });
      await upload.write(Buffer.alloc(1_000));
      await until(async () => (await plugin.report()).running === open.length + 1);

      const start = performance.now();
      process.kill(plugin.pid, "SIGKILL");
      const outcomes = await Promise.all([...open, upload].map(outcomeOf));
      expect(performance.now() - start).toBeLessThan(1_000);
      expect(new Set(outcomes)).toEqual(new Set(["broken", "502"]));

      const path = `${target.base}/case/${keyOf(earlyAnswer)}/${randomUUID()}`;
      const statuses = new Set<number>();
      await until(async () => {
        const { status } = await call(http1, { path });
        statuses.add(status);
        return status === 413;
      });
      expect([...statuses].every((status) => status === 503 || status === 413)).toBe(true);
      expect((await target.observation.process("plugin", plugin.pid)).pid).not.toBe(plugin.pid);
    });

    it("T6 closes every tunnel within a second", async () => {
      using opened = new DisposableStack();
      const tunnels: RawConnection[] = [];
      for (const fields of requestFields) {
        const tunnel = opened.use(await RawConnection.open(target.http1Port));
        await beginTunnel(tunnel, `${target.base}/case/${keyOf(echoed)}/${randomUUID()}`, fields);
        tunnels.push(tunnel);
      }
      const plugin = await target.plugin();
      const start = performance.now();
      process.kill(plugin.pid, "SIGKILL");
      await Promise.all(tunnels.map((tunnel) => tunnel.closed()));
      expect(performance.now() - start).toBeLessThan(1_000);
    });
  });
}

/** The status of an exchange, or "broken". */
async function outcomeOf(open: TestExchange): Promise<string> {
  try {
    const { status } = await open.head;
    await open.rest();
    return String(status);
  } catch {
    return "broken";
  }
}
