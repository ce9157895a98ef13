import { rmSync } from "node:fs";
import { Socket } from "node:net";
import { constants } from "node:os";
import type { ListenAddress } from "@servehttp/carrier";
import { ServeHTTPError } from "@servehttp/contract";

/** What must end before its process does. */
export interface EndsWithProcess {
  /** Where it listens. */
  readonly listensOn: ListenAddress;
  close(): Promise<void>;
}

const served = new Set<EndsWithProcess>();
/** running -> ending [onSignal] */
let state: "running" | "ending" = "running";
/** The end of the pipe that the host holds; for as long as the process lives. */
let hostPipe: Socket | undefined;

/** From now on SIGTERM and SIGINT close the plugin, with all others of this process, and then end the process. */
export function closeBeforeEnd(plugin: EndsWithProcess): void {
  if (served.size === 0) {
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
  }
  served.add(plugin);
}

/** The plugin is closed. */
export function closedBeforeEnd(plugin: EndsWithProcess): void {
  if (served.delete(plugin) && served.size === 0) {
    process.off("SIGTERM", onSignal);
    process.off("SIGINT", onSignal);
  }
}

/** The second signal does not wait for what the first one asked for. */
function onSignal(signal: "SIGTERM" | "SIGINT"): void {
  if (state === "ending") {
    process.exit(128 + constants.signals[signal]);
  }
  state = "ending";
  void Promise.all(Array.from(served, (plugin) => plugin.close())).then(() => process.exit(0));
}

/**
 * A plugin does not outlive the host that started it: the host holds the other end of a pipe, and whatever becomes of the
 * host, the kernel closes it. The plugin has its number as SERVEHTTP_HOST_FD.
 *
 * @throws ServeHTTPError `invalid-argument` where that is no pipe.
 */
export function endWithHost(hostFd: string | undefined): void {
  if (hostFd === undefined || hostFd === "" || hostPipe !== undefined) {
    return;
  }
  try {
    hostPipe = new Socket({ fd: Number(hostFd), readable: true, writable: false });
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
  hostPipe.unref();
}

function onHostGone(): void {
  for (const { listensOn } of served) {
    if ("path" in listensOn) {
      rmSync(listensOn.path, { force: true });
    }
  }
  process.exit(1);
}
