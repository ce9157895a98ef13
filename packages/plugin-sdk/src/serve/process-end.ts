import { createReadStream, fstatSync, type ReadStream, rmSync } from "node:fs";
import { Socket } from "node:net";
import { constants } from "node:os";
import type { ListenAddress } from "@servehttp/carrier";
import { ServeHTTPError } from "@servehttp/contract";

/** What must close before its process ends. */
export interface EndsWithProcess {
  /** Where it listens; undefined where it does not yet. */
  readonly listensOn: ListenAddress | undefined;
  close(): Promise<void>;
}

const served = new Set<EndsWithProcess>();
/** running -> ending [onSignal] */
let state: "running" | "ending" = "running";
/** This end of the pipe whose other end the host holds. Kept for as long as the process lives. */
let hostPipe: Socket | ReadStream | undefined;

/** From now on SIGTERM and SIGINT close all plugins of this process, and then end it. */
export function closeBeforeEnd(plugin: EndsWithProcess): void {
  if (served.size === 0) {
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
  }
  served.add(plugin);
}

/** The plugin is closed. After the last one, signals do what they did before. */
export function closedBeforeEnd(plugin: EndsWithProcess): void {
  if (served.delete(plugin) && served.size === 0) {
    process.off("SIGTERM", onSignal);
    process.off("SIGINT", onSignal);
  }
}

/** A second signal ends the process without waiting for the first. */
function onSignal(signal: "SIGTERM" | "SIGINT"): void {
  if (state === "ending") {
    process.exit(128 + constants.signals[signal]);
  }
  state = "ending";
  void Promise.all(Array.from(served, (plugin) => plugin.close())).then(() => process.exit(0));
}

/**
 * Ends this process when the host that started it has ended. The host holds one end of a pipe,
 * which the kernel closes however the host ends; this process has the other end, with the
 * descriptor that SERVEHTTP_HOST_FD names.
 *
 * @throws ServeHTTPError `invalid-argument` where that descriptor is no open pipe
 */
export function endWithHost(hostFd: string | undefined): void {
  if (hostFd === undefined || hostFd === "" || hostPipe !== undefined) {
    return;
  }
  try {
    hostPipe = openPipe(Number(hostFd));
  } catch (error) {
    throw new ServeHTTPError(
      "invalid-argument",
      `SERVEHTTP_HOST_FD is ${JSON.stringify(hostFd)}, which is not the number of an open pipe`,
      { cause: error },
    );
  }
  hostPipe.on("error", onHostGone);
  hostPipe.on("close", onHostGone);
  hostPipe.on("end", onHostGone);
  hostPipe.resume();
}

function openPipe(fd: number): Socket | ReadStream {
  if (process.versions["bun"] !== undefined) {
    // A socket of Bun's over a descriptor says nothing when the other end closes.
    fstatSync(fd);
    return createReadStream("", { fd });
  }
  // Not a stream of a file: its read would occupy a thread of Node's pool for as long as the
  // process lives.
  return new Socket({ fd, readable: true, writable: false }).unref();
}

function onHostGone(): void {
  for (const { listensOn } of served) {
    if (listensOn !== undefined && "path" in listensOn) {
      rmSync(listensOn.path, { force: true });
    }
  }
  process.exit(1);
}
