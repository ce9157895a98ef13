import { existsSync, lstatSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";
import type { ExchangeServer, ListenAddress } from "@servehttp/carrier";
import { ServeHTTPError } from "@servehttp/contract";
import { formatListenAddress } from "./listen-address.js";

/**
 * Listens. Resolves with the address, whose port is the one that was chosen for port 0. A socket
 * file that a killed plugin has left is replaced, but never one on which a process listens, nor a
 * file of another kind.
 *
 * @throws ServeHTTPError `invalid-argument`, in one line that says why it can't listen there
 */
export async function listenAt(
  server: ExchangeServer,
  address: ListenAddress,
): Promise<ListenAddress> {
  try {
    return await listen(server, address);
  } catch (error) {
    if (
      !("path" in address) ||
      codeOf(error) !== "EADDRINUSE" ||
      !(await isCleared(address.path))
    ) {
      throw listenError(address, error);
    }
  }
  try {
    return await listen(server, address);
  } catch (error) {
    throw listenError(address, error);
  }
}

async function listen(server: ExchangeServer, address: ListenAddress): Promise<ListenAddress> {
  if ("path" in address && Buffer.byteLength(address.path) > socketPathBytesMax) {
    // Node 22 would cut the path off, and listen at what is left of it.
    throw new Error("the path is too long for a socket");
  }
  const bound = await server.listen(address);
  return typeof bound === "string" ? { path: bound } : { host: bound.address, port: bound.port };
}

/** Removes a socket file on which no process listens. Says whether it did. */
async function isCleared(path: string): Promise<boolean> {
  const before = identityOf(path);
  if (before === undefined || !(await isRefused(path)) || identityOf(path) !== before) {
    return false;
  }
  rmSync(path);
  return true;
}

/**
 * What distinguishes a socket file from the next one at the same path. Undefined where there is no
 * socket.
 */
function identityOf(path: string): string | undefined {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stat?.isSocket() === true ? `${stat.dev} ${stat.ino} ${stat.ctimeNs}` : undefined;
}

/**
 * Whether a connection is refused. Only that proves that no process listens: any other error comes
 * from one that is busy.
 */
function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", (error) => resolve(codeOf(error) === "ECONNREFUSED"));
  });
}

function listenError(address: ListenAddress, error: unknown): ServeHTTPError {
  const shown = JSON.stringify(formatListenAddress(address));
  const why = "path" in address ? pathProblem(address.path, error) : portProblem(error);
  return new ServeHTTPError("invalid-argument", `can't listen on ${shown}: ${why}`, {
    cause: error,
  });
}

/** The longest path of a socket: 108 bytes on Linux and 104 elsewhere, less one for the NUL. */
const socketPathBytesMax = process.platform === "linux" ? 107 : 103;

function pathProblem(path: string, error: unknown): string {
  const bytes = Buffer.byteLength(path);
  if (bytes > socketPathBytesMax) {
    return `the path has ${bytes} bytes, and the path of a socket can have ${socketPathBytesMax}`;
  }
  // Node says EACCES also where the directory is missing.
  if (!existsSync(dirname(path))) {
    return "its directory does not exist";
  }
  if (codeOf(error) === "EADDRINUSE") {
    return identityOf(path) === undefined
      ? "there is a file that is not a socket"
      : "another process listens there";
  }
  return messageOf(error);
}

function portProblem(error: unknown): string {
  switch (codeOf(error)) {
    case "EADDRINUSE":
      return "another process listens there";
    case "EADDRNOTAVAIL":
      return "this machine does not have that address";
    case "ENOTFOUND":
      return "there is no host of that name";
    default:
      return messageOf(error);
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function messageOf(error: unknown): string {
  return codeOf(error) === "EACCES" ? "it is not allowed" : (error as Error).message;
}
