import { ServeHTTPError } from "@servehttp/contract";
import { ManualClock, turns } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import { type PluginReload, PluginReloads } from "./plugin-reloads.js";

function watched() {
  const clock = new ManualClock();
  const reloads: PromiseWithResolvers<void>[] = [];
  const told: PluginReload[] = [];
  const plugin = new PluginReloads({
    id: "notes",
    settleMs: 100,
    clock,
    reload: () => {
      const reload = Promise.withResolvers<void>();
      reloads.push(reload);
      return reload.promise;
    },
    onReload: (reload) => told.push(reload),
  });
  const pass = async (ms: number) => {
    clock.advance(ms);
    await turns(1);
  };
  return { plugin, reloads, told, clock, pass };
}

describe("PluginReloads", () => {
  it("reloads once behind changes that come together", async () => {
    const { plugin, reloads, told, pass } = watched();
    plugin.changed("a.js");
    await pass(99);
    plugin.changed("b.js");
    await pass(99);
    expect(reloads).toHaveLength(0);
    await pass(1);
    reloads[0]!.resolve();
    await turns(1);
    expect(told).toEqual([{ id: "notes", files: ["a.js", "b.js"], error: undefined }]);
    await pass(1_000);
    expect(reloads).toHaveLength(1);
  });

  it("reloads once more for what changes meanwhile, and tells of a failure", async () => {
    const { plugin, reloads, told, pass } = watched();
    plugin.changed("a.js");
    await pass(100);
    for (const file of ["b.js", "c.js", "b.js"]) {
      plugin.changed(file);
      await pass(100);
    }
    expect(reloads).toHaveLength(1);
    const error = new ServeHTTPError("connection-failed", "it exited");
    reloads[0]!.reject(error);
    await turns(1);
    expect(told).toEqual([{ id: "notes", files: ["a.js"], error }]);
    reloads[1]!.resolve();
    await turns(1);
    expect(told[1]).toEqual({ id: "notes", files: ["b.js", "c.js"], error: undefined });
    expect(reloads).toHaveLength(2);
  });

  it("does nothing more when it is closed", async () => {
    const { plugin, reloads, told, clock, pass } = watched();
    plugin.changed("a.js");
    await pass(100);
    plugin.changed("b.js");
    plugin.close();
    plugin.changed("c.js");
    reloads[0]!.resolve();
    await pass(1_000);
    expect([reloads.length, told.length, clock.waiting]).toEqual([1, 0, 0]);
  });
});
