import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { turns } from "@servehttp/testkit";
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
    const isStopped = () => / T /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
    await vi.waitFor(() => expect(isStopped()).toBe(true), 15_000);
    const before = processorTime(pid);
    await turns(100);
    expect(processorTime(pid)).toEqual(before);
    process.kill(pid, "SIGKILL");
    await once(shell, "exit");
  });
});
