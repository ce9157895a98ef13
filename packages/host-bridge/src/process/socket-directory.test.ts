import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SocketDirectory } from "./socket-directory.js";

let parent = "";

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "sd-"));
});
afterEach(async () => {
  await rm(parent, { recursive: true });
});

/** Leaves a directory as a host that was killed does: its socket is there, and nobody listens. */
function leaveDead(name: string): string {
  const path = join(parent, name);
  const script = `
    const { mkdirSync } = require("node:fs");
    mkdirSync(process.argv[1]);
    require("node:net").createServer().listen(process.argv[1] + "/host.sock", () => {
      process.kill(process.pid, "SIGKILL");
    });`;
  try {
    execFileSync(process.execPath, ["-e", script, path], { stdio: "ignore" });
  } catch {
    // It killed itself.
  }
  return path;
}

describe("SocketDirectory", () => {
  it("makes a directory that only its owner may enter, and removes it with what is in it", async () => {
    const directory = await SocketDirectory.create(parent);
    expect((await stat(directory.path)).mode & 0o777).toBe(0o700);
    await writeFile(directory.nextPath(), "left over");
    await directory.remove();
    expect(await readdir(parent)).toEqual([]);
  });

  it("never gives a path twice", async () => {
    await using directory = await SocketDirectory.create(parent);
    const paths = Array.from({ length: 1_000 }, () => directory.nextPath());
    expect(new Set(paths).size).toBe(1_000);
  });

  it("gives paths that a server can listen on", async () => {
    await using directory = await SocketDirectory.create(parent);
    await using server = createServer();
    await new Promise<void>((resolve) => server.listen(directory.nextPath(), resolve));
    expect(server.listening).toBe(true);
  });

  it("removes the directories of hosts that died, and no other", async () => {
    leaveDead("servehttp-host-dead01");
    await mkdir(join(parent, "servehttp-host-fresh1"));
    const old = join(parent, "servehttp-host-old001");
    await mkdir(old);
    await utimes(old, 1, 1);
    const full = join(parent, "servehttp-host-full01");
    await mkdir(full);
    await writeFile(join(full, "precious"), "");
    await utimes(full, 1, 1);
    await mkdir(join(parent, "servehttp-x"));
    await writeFile(join(parent, "servehttp-host-file01"), "");
    const elsewhere = leaveDead("elsewhere");
    await symlink(elsewhere, join(parent, "servehttp-host-link01"));
    await using living = await SocketDirectory.create(parent);
    await using second = await SocketDirectory.create(parent);

    const left = await readdir(parent);
    const names = [living, second].map((directory) => directory.path.slice(parent.length + 1));
    names.push(
      "elsewhere",
      "servehttp-host-fresh1",
      "servehttp-host-file01",
      "servehttp-host-link01",
      "servehttp-host-full01",
      "servehttp-x",
    );
    expect(left.toSorted()).toEqual(names.toSorted());
    expect(await readdir(elsewhere)).toEqual(["host.sock"]);
  });

  it("says so when the path is too long for a socket, and leaves nothing", async () => {
    const long = join(parent, "x".repeat(100));
    await mkdir(long);
    await expect(SocketDirectory.create(long)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("TMPDIR"),
    });
    expect(await readdir(long)).toEqual([]);
  });
});
