import { lstat, mkdtemp, readdir, rm, rmdir } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServeHTTPError } from "@servehttp/contract";
import { socketDirectoryFreshMs, socketPathBytesMax } from "../limits.js";
import { shortageText } from "./system-shortage.js";

const namePrefix = "servehttp-host-";
const aliveName = "host.sock";

/** Tries again where the host has no descriptors left. */
const removal = { recursive: true, force: true, maxRetries: 10 } as const;

/**
 * The private directory in which a host's plugins listen: mode 0700, in the system's temporary
 * directory.
 *
 * The host listens on a socket in it for as long as it lives. Where nobody listens on that socket,
 * the host has died, and the next host removes the directory. Unlike a process id, this is right
 * also when ids are used again, or hosts in different containers share the temporary directory.
 */
export class SocketDirectory implements AsyncDisposable {
  readonly path: string;
  readonly #alive: Server;
  #sockets = 0;

  private constructor(path: string, alive: Server) {
    this.path = path;
    this.#alive = alive;
  }

  /**
   * Makes a directory, after it has removed those of hosts that died.
   *
   * @param parent Default: the system's temporary directory
   * @throws ServeHTTPError `unavailable` when it can't be made, or its path is too long for
   *   sockets; the message says what to do
   */
  static async create(parent = tmpdir()): Promise<SocketDirectory> {
    const longest = Buffer.byteLength(join(parent, `${namePrefix}XXXXXX`, "4294967295.sock"));
    if (longest > socketPathBytesMax) {
      const tooLong = `the temporary directory ${parent} is too long for unix sockets`;
      throw new ServeHTTPError("unavailable", `${tooLong}: set TMPDIR to a shorter path`);
    }
    let path: string | undefined;
    try {
      await removeStale(parent);
      path = await mkdtemp(join(parent, namePrefix));
      return new SocketDirectory(path, await listening(join(path, aliveName)));
    } catch (error) {
      if (path !== undefined) {
        await rm(path, { recursive: true, force: true });
      }
      throw new ServeHTTPError("unavailable", whyNot(parent, error), { cause: error });
    }
  }

  /** A path for one more socket. No path is given twice. */
  nextPath(): string {
    this.#sockets++;
    return join(this.path, `${this.#sockets}.sock`);
  }

  /** Removes the directory with whatever is in it. */
  async remove(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#alive.close(() => resolve());
    });
    await rm(this.path, removal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }
}

/** Why the directory could not be made, and what to do. */
function whyNot(parent: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const what = `can't make the directory for plugins' sockets in ${parent}`;
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return `${what}, which does not exist: create it, or set TMPDIR to a directory that does`;
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return `${what}, which can't be written to: set TMPDIR to a directory that can`;
    default:
      return `${what}: ${shortageText(error) ?? message}`;
  }
}

async function listening(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  return server;
}

async function removeStale(parent: string): Promise<void> {
  // A directory that can't be listed may be one that can be written to.
  const names = await readdir(parent).catch(() => []);
  const ours = names.filter((name) => /^servehttp-host-\w{6}$/.test(name));
  await Promise.all(ours.map((name) => removeIfStale(join(parent, name))));
}

/** Removes a directory whose host has died. One that belongs to another user is left alone. */
async function removeIfStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined || !found.isDirectory() || found.uid !== process.getuid?.()) {
    return;
  }
  const result = await connectResult(join(path, aliveName));
  if (result === "ECONNREFUSED") {
    await rm(path, { recursive: true, force: true });
  } else if (result === "ENOENT" && Date.now() - found.mtimeMs > socketDirectoryFreshMs) {
    // Its host died before it listened. `rmdir` fails where something is in it after all.
    await rmdir(path).catch(() => undefined);
  }
}

function connectResult(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve("connected");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}
