import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import type { ListenAddress } from "./listen-address.js";

/**
 * Who listens on an address, as ` by node (process 4711)`; empty where that can't be told: on
 * systems other than Linux, and of other users' processes.
 */
export function holderText(address: ListenAddress): string {
  const inodes = listeningInodes(address);
  const pid = inodes.size === 0 ? undefined : processWithSocket(inodes);
  return pid === undefined ? "" : ` by ${nameOf(pid)} (process ${pid})`;
}

/** The inodes of the sockets that listen there. */
function listeningInodes(address: ListenAddress): ReadonlySet<string> {
  switch (address.kind) {
    case "fd":
      return new Set();
    case "unix":
      // Num RefCount Protocol Flags Type St Inode Path
      return inodesOf("/proc/net/unix", 6, (fields) => fields[7] === address.path);
    case "tcp": {
      const port = address.port.toString(16).toUpperCase().padStart(4, "0");
      // sl local_address rem_address st …: 0A is LISTEN.
      const listens = (fields: readonly string[]) =>
        fields[3] === "0A" && fields[1]?.endsWith(`:${port}`) === true;
      return new Set(
        ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((table) => [...inodesOf(table, 9, listens)]),
      );
    }
  }
}

function inodesOf(
  table: string,
  column: number,
  matches: (fields: readonly string[]) => boolean,
): ReadonlySet<string> {
  const lines = (readIfAllowed(table) ?? "").split("\n").slice(1);
  const found = lines.map((line) => line.trim().split(/\s+/)).filter(matches);
  return new Set(found.map((fields) => fields[column] ?? ""));
}

function processWithSocket(inodes: ReadonlySet<string>): number | undefined {
  const pids = listIfAllowed("/proc").filter((name) => /^\d+$/.test(name));
  const pid = pids.find((name) =>
    listIfAllowed(`/proc/${name}/fd`).some((fd) => {
      const inode = /^socket:\[(\d+)\]$/.exec(linkIfAllowed(`/proc/${name}/fd/${fd}`) ?? "")?.[1];
      return inode !== undefined && inodes.has(inode);
    }),
  );
  return pid === undefined ? undefined : Number(pid);
}

/** The program and its script, `node server.js`. The kernel's own name for it may be a thread's. */
function nameOf(pid: number): string {
  const [program = "", script = ""] = (readIfAllowed(`/proc/${pid}/cmdline`) ?? "").split("\0");
  const words = [program, ...(/^[^-].*\.\w+$|\/servehttp$/.test(script) ? [script] : [])];
  return words.map((word) => basename(word)).join(" ") || "a process";
}

const readIfAllowed = (path: string) => ifAllowed(() => readFileSync(path, "utf8"));
const linkIfAllowed = (path: string) => ifAllowed(() => readlinkSync(path));
const listIfAllowed = (path: string) => ifAllowed(() => readdirSync(path)) ?? [];

/** Undefined for what belongs to others, is gone by now, or is not there on this system. */
function ifAllowed<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
