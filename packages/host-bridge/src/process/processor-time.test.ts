import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { processorTime } from "./processor-time.js";

describe.runIf(process.platform === "linux")("processorTime (S6)", () => {
  it("counts the work of a process and of those that it started", async () => {
    const shell = spawn("/bin/sh", ["-c", "sh -c 'while :; do :; done' & wait"], {
      stdio: "ignore",
      detached: true,
    });
    const pid = shell.pid ?? 0;
    await vi.waitFor(() => expect(processorTime(pid)?.usedMs).toBeGreaterThan(50), 15_000);
    process.kill(-pid, "SIGKILL");
    await once(shell, "exit");
    expect(processorTime(pid)).toBeUndefined();
  });

  it("counts nothing while a process is stopped", async () => {
    const shell = spawn("/bin/sh", ["-c", "while :; do :; done"], { stdio: "ignore" });
    const pid = shell.pid ?? 0;
    process.kill(pid, "SIGSTOP");
    let before = processorTime(pid);
    await vi.waitFor(() => {
      const now = processorTime(pid);
      const isStill = before?.usedMs === now?.usedMs && before?.waitedMs === now?.waitedMs;
      before = now;
      expect(isStill).toBe(true);
    }, 15_000);
    const after = await new Promise((resolve) => setImmediate(() => resolve(processorTime(pid))));
    expect(after).toEqual(before);
    process.kill(pid, "SIGKILL");
    await once(shell, "exit");
  });
});
