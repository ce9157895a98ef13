import { readFileSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { ServeHTTPError } from "@servehttp/contract";

/** The users of a file as `htpasswd` of Apache writes it, as it is now. */
export class HtpasswdFile {
  readonly #path: string;
  #users: ReadonlyMap<string, string>;
  /** What the file was when it was read last. */
  #version = "";

  /** @throws ServeHTTPError `invalid-argument` for a file that can't be read, or a line that is none */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#users = parseHtpasswd(readFileSync(path, "utf8"));
    } catch (error) {
      throw new ServeHTTPError("invalid-argument", this.#problem(error));
    }
  }

  /**
   * The hash of each user's password. Reads the file again where it has changed.
   *
   * @throws ServeHTTPError `unavailable` where it is gone or can't be understood: nobody knows then
   *   who may come in
   */
  async users(): Promise<ReadonlyMap<string, string>> {
    try {
      const { ino, mtimeMs, ctimeMs, size } = await stat(this.#path);
      const version = [ino, mtimeMs, ctimeMs, size].join();
      if (version !== this.#version) {
        this.#users = parseHtpasswd(await readFile(this.#path, "utf8"));
        this.#version = version;
      }
      return this.#users;
    } catch (error) {
      this.#version = "";
      throw new ServeHTTPError("unavailable", this.#problem(error), { cause: error });
    }
  }

  #problem(error: unknown): string {
    const why = error instanceof Error ? error.message : String(error);
    return `basicIdentity: htpasswd ${this.#path}: ${why}`;
  }
}

/** What a password's hash may look like, by the options of `htpasswd` that make it. */
const hashes: readonly RegExp[] = [
  // -B: bcrypt.
  /^\$2[abxy]\$(?:0[4-9]|1[0-7])\$[./A-Za-z0-9]{53}$/,
  // -m, the default: MD5 of Apache's, 1,000 rounds.
  /^\$apr1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}$/,
  // -s: SHA-1 without salt.
  /^\{SHA\}[+/A-Za-z0-9]{27}=$/,
];

/** @throws Error for a line that is neither a user, nor a comment, nor empty */
export function parseHtpasswd(text: string): ReadonlyMap<string, string> {
  const users = new Map<string, string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) {
      continue;
    }
    const at = trimmed.indexOf(":");
    const user = trimmed.slice(0, at);
    if (at < 1) {
      throw new Error(`line ${index + 1} is no user:hash`);
    }
    const hash = trimmed.slice(at + 1);
    if (!hashes.some((one) => one.test(hash))) {
      throw new Error(
        `line ${index + 1}: the hash of ${JSON.stringify(user)} is of no known kind; make it anew: htpasswd -B FILE USER`,
      );
    }
    if (users.has(user)) {
      throw new Error(`line ${index + 1}: ${JSON.stringify(user)} is there twice`);
    }
    users.set(user, hash);
  }
  return users;
}
