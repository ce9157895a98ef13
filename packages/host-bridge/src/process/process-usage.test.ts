import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { until } from "@servehttp/testkit";
import { processUsage } from "./process-usage.js";

describe.runIf(process.platform === "linux")("what a process uses", () => {
  it("is what the system says of this one", () => {
    const usage = processUsage(process.pid);
    const ratio = (usage?.memoryBytes ?? 0) / process.memoryUsage.rss();
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(3);
    expect(usage?.cpuMs).toBeGreaterThan(0);
  });

  it("has that of the processes that it started", async () => {
    const shell = spawn("sh", ["-c", "sleep 1000 & echo; wait"], { detached: true });
    const { pid = 0 } = shell;
    try {
      await once(shell.stdout, "data");
      const alone = processUsage(process.pid)?.memoryBytes ?? 0;
      await until(() => (processUsage(pid)?.memoryBytes ?? 0) > 0, "its memory");
      expect(alone).toBeGreaterThan(processUsage(pid)?.memoryBytes ?? 0);
    } finally {
      process.kill(-pid, "SIGKILL");
      await once(shell, "close");
    }
    expect(processUsage(pid)).toBeUndefined();
  });
});
