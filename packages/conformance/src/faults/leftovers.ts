import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { RunningHost } from "./running-host.js";

/** What a host holds, as the system tells (Linux). */
export interface Holdings {
  /** Its children, and its plugins wherever they are: pid and command line. */
  readonly processes: readonly string[];
  /** Its descriptors by what they are, without numbers. */
  readonly descriptors: readonly string[];
  /** Files in its directory for temporary files. */
  readonly files: readonly string[];
}

/** Looks at the host's process, and at all processes of this user. */
export function holdingsOf(host: RunningHost): Holdings {
  return {
    processes: processesOf(host),
    descriptors: entries(`/proc/${host.pid}/fd`).map((fd) => descriptorKind(host.pid, fd)),
    files: readdirSync(host.directory),
  };
}

/**
 * What it holds more than before. The system closes a descriptor a moment after Node lets it go, so it looks again for
 * up to a second, until there is nothing.
 */
export async function leftOver(host: RunningHost, before: Holdings): Promise<Holdings> {
  const lookEveryMs = 20;
  const looks = 50;
  for (let look = 1; ; look += 1) {
    const now = holdingsOf(host);
    const left: Holdings = {
      processes: more(now.processes, before.processes),
      descriptors: more(now.descriptors, before.descriptors),
      files: more(now.files, before.files),
    };
    const isClean = Object.values(left).every((things: readonly string[]) => things.length === 0);
    if (isClean || look === looks) {
      return left;
    }
    await delay(lookEveryMs);
  }
}

/** A process that has ended and not been waited for counts: the host has to collect it. */
function processesOf(host: RunningHost): readonly string[] {
  return entries("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== host.pid)
    .filter((pid) => parentOf(pid) === host.pid || read(`/proc/${pid}/environ`).includes(host.mark))
    .map((pid) => `${pid} ${read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim()}`);
}

function parentOf(pid: string): number {
  return Number(/^PPid:\s*(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1]);
}

function descriptorKind(pid: number, descriptor: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${descriptor}`).replace(/\d+/g, "N");
  } catch {
    return "gone";
  }
}

/** Those of `now` that are not in `before`, each as often as it is there more. */
function more(now: readonly string[], before: readonly string[]): readonly string[] {
  const known = [...before];
  return now.filter((thing) => {
    const at = known.indexOf(thing);
    if (at !== -1) {
      known.splice(at, 1);
    }
    return at === -1 && thing !== "gone";
  });
}

function entries(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** A process may end while it is looked at. */
function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
