import { existsSync, lstatSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";
import type { ExchangeServer, ListenAddress } from "@servehttp/carrier";
import { ServeHTTPError } from "@servehttp/contract";
import { formatListenAddress } from "./listen-address.js";

/**
 * Listens, and resolves with the address that it became: with the port that was chosen. A socket file that a plugin left which
 * was killed is replaced; one on which somebody listens, or a file of another kind, never.
 *
 * @throws ServeHTTPError `invalid-argument`, in one line that says why the address can't be had.
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
  const bound = await server.listen(address);
  return typeof bound === "string" ? { path: bound } : { host: bound.address, port: bound.port };
}

/** Removes a socket file on which nobody listens; whether there was one. */
async function isCleared(path: string): Promise<boolean> {
  const before = identityOf(path);
  if (before === undefined || !(await isRefused(path)) || identityOf(path) !== before) {
    return false;
  }
  rmSync(path);
  return true;
}

/** What tells a socket file from the next one at the same path; undefined where there is no socket. */
function identityOf(path: string): string | undefined {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stat?.isSocket() === true ? `${stat.dev} ${stat.ino} ${stat.ctimeNs}` : undefined;
}

/** Only a refusal proves that nobody listens: who is busy, or for others, is there. */
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

/** Linux takes one byte of the 108 for the end; others have 104. */
const socketPathBytesMax = process.platform === "linux" ? 107 : 103;

function pathProblem(path: string, error: unknown): string {
  const bytes = Buffer.byteLength(path);
  if (bytes > socketPathBytesMax) {
    return `the path has ${bytes} bytes, and that of a socket at most ${socketPathBytesMax}`;
  }
  // Node says EACCES also where nothing is.
  if (!existsSync(dirname(path))) {
    return "its directory does not exist";
  }
  if (codeOf(error) === "EADDRINUSE") {
    return identityOf(path) === undefined
      ? "there is a file that is no socket"
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
