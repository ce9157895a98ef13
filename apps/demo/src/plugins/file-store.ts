import { createHash, randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { fileNameOf } from "./file-name.js";

/** A file as the store knows it. */
export interface StoredFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** In hex; null for a file that was in the directory before, which nobody has hashed. */
  readonly sha256: string | null;
  readonly storedAtUnixMs: number;
}

/** A file opened for reading; it stays readable when it is replaced or deleted meanwhile. */
export interface OpenFile extends StoredFile, AsyncDisposable {
  /** The bytes from first to last, both included. */
  bytes(first: number, last: number): AsyncIterable<Uint8Array>;
}

/**
 * What one read takes from the disk: four chunks of body, so that the thread pool's trips are few.
 */
const readBytes = 262_144;

/**
 * What the store collects before it writes: many small chunks would be as many trips to the thread
 * pool.
 */
const writeBytes = 262_144;

/**
 * Files in one directory, under their own names. What is on its way lies in `.incoming` and is
 * renamed into its place when it is complete, so that no name ever shows half a file.
 */
export class FileStore {
  readonly #directory: string;
  readonly #incoming: string;
  /** Hashes of what this process received, by name, each with the inode that it is the hash of. */
  readonly #hashes = new Map<string, { readonly inode: number; readonly sha256: string }>();

  private constructor(directory: string) {
    this.#directory = directory;
    this.#incoming = join(directory, ".incoming");
  }

  /**
   * Opens a directory, makes it where it is missing, and removes what a killed process left on its
   * way.
   */
  static async open(directory: string): Promise<FileStore> {
    const store = new FileStore(directory);
    await rm(store.#incoming, { recursive: true, force: true });
    await mkdir(store.#incoming, { recursive: true });
    return store;
  }

  /** All files, by name. */
  async list(): Promise<StoredFile[]> {
    const names = (await readdir(this.#directory, { withFileTypes: true }))
      .filter(
        (entry) => entry.isFile() && fileNameOf(encodeURIComponent(entry.name)) === entry.name,
      )
      .map((entry) => entry.name)
      .toSorted();
    const files = await Promise.all(
      names.map(async (name) => {
        const found = await unlessMissing(stat(join(this.#directory, name)));
        return found && this.#stored(name, found);
      }),
    );
    return files.filter((file) => file !== undefined);
  }

  /**
   * Writes a body to disk as it comes, with a running SHA-256, and gives it the name once it is
   * complete. Where the body throws, so does this, and nothing is left behind.
   */
  async receive(name: string, body: AsyncIterable<Uint8Array>): Promise<StoredFile> {
    const incoming = join(this.#incoming, randomUUID());
    try {
      await using handle = await open(incoming, "wx");
      const sha256 = await writeHashed(handle, body);
      const found = await handle.stat();
      await rename(incoming, join(this.#directory, name));
      this.#hashes.set(name, { inode: found.ino, sha256 });
      return this.#stored(name, found);
    } catch (thrown) {
      await rm(incoming, { force: true });
      throw thrown;
    }
  }

  /** Opens a file for reading; undefined where there is none of this name. */
  async read(name: string): Promise<OpenFile | undefined> {
    // Non-blocking: a named pipe in the directory must not hold a thread.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const handle = await unlessMissing(open(join(this.#directory, name), flags));
    const found = await handle?.stat();
    if (handle === undefined || found?.isFile() !== true) {
      await handle?.close();
      return undefined;
    }
    return {
      ...this.#stored(name, found),
      bytes: (first, last) =>
        handle.createReadStream({
          start: first,
          end: last,
          highWaterMark: readBytes,
          autoClose: false,
        }),
      [Symbol.asyncDispose]: () => handle.close(),
    };
  }

  /** Deletes a file; false where there is none of this name. */
  async remove(name: string): Promise<boolean> {
    const removed = unlink(join(this.#directory, name)).then(() => true);
    this.#hashes.delete(name);
    return (await unlessMissing(removed)) ?? false;
  }

  #stored(name: string, found: { ino: number; size: number; mtimeMs: number }): StoredFile {
    const hash = this.#hashes.get(name);
    return {
      name,
      sizeBytes: found.size,
      sha256: hash?.inode === found.ino ? hash.sha256 : null,
      storedAtUnixMs: Math.round(found.mtimeMs),
    };
  }
}

async function writeHashed(handle: FileHandle, body: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  for await (const chunk of body) {
    hash.update(chunk);
    waiting.push(chunk);
    waitingBytes += chunk.byteLength;
    if (waitingBytes >= writeBytes) {
      await writeAll(handle, waiting);
      waiting = [];
      waitingBytes = 0;
    }
  }
  await writeAll(handle, waiting);
  return hash.digest("hex");
}

async function writeAll(handle: FileHandle, chunks: Uint8Array[]): Promise<void> {
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  const { bytesWritten } = await handle.writev(chunks);
  if (bytesWritten < bytes) {
    // writev(2) may stop short, for one when the disk gets full; writeFile goes on until all is
    // written or an error says why.
    await handle.writeFile(Buffer.concat(chunks).subarray(bytesWritten));
  }
}

async function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (thrown) {
    if (
      thrown instanceof Error &&
      "code" in thrown &&
      (thrown.code === "ENOENT" || thrown.code === "ELOOP")
    ) {
      return undefined;
    }
    throw thrown;
  }
}
