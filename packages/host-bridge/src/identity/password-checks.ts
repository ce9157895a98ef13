import { createHmac, randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { passwordChecksMax, passwordsRememberedMax } from "../limits.js";

/** An answer of the thread. */
interface Checked {
  readonly id: number;
  readonly matches: boolean;
}

/**
 * Checks passwords against their hashes in a thread of its own: a hash is made to take long, and
 * requests of others must not wait for it. A password that was right once is known again by a keyed
 * hash in memory, so that only the first request of a client pays.
 */
export class PasswordChecks {
  readonly #key = randomBytes(32);
  /** Of passwords that were right, the latest last. */
  readonly #right = new Set<string>();
  readonly #waiting = new Map<number, PromiseWithResolvers<boolean>>();
  #worker: Worker | undefined;
  #lastId = 0;

  /** Resolves with whether the password is right; undefined where too many wait for that. */
  async matches(password: string, hash: string): Promise<boolean | undefined> {
    const known = createHmac("sha256", this.#key).update(`${hash}\0${password}`).digest("base64");
    if (this.#right.delete(known)) {
      this.#right.add(known);
      return true;
    }
    if (this.#waiting.size >= passwordChecksMax) {
      return undefined;
    }
    const matches = await this.#ask(password, hash);
    if (matches) {
      this.#right.add(known);
      if (this.#right.size > passwordsRememberedMax) {
        const [oldest = ""] = this.#right;
        this.#right.delete(oldest);
      }
    }
    return matches;
  }

  #ask(password: string, hash: string): Promise<boolean> {
    this.#worker ??= this.#start();
    this.#lastId += 1;
    const answer = Promise.withResolvers<boolean>();
    this.#waiting.set(this.#lastId, answer);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    this.#worker.postMessage({ id: this.#lastId, password, hash });
    return answer.promise;
  }

  #start(): Worker {
    const require = createRequire(import.meta.url);
    const workerData = {
      bcrypt: require.resolve("bcryptjs"),
      apacheMd5: require.resolve("apache-md5"),
    };
    const worker = new Worker(thread, { eval: true, workerData });
    worker.unref();
    worker.on("message", ({ id, matches }: Checked) => {
      this.#waiting.get(id)?.resolve(matches);
      this.#waiting.delete(id);
    });
    worker.once("error", (error) => {
      // The next check starts another one.
      this.#worker = undefined;
      for (const answer of this.#waiting.values()) {
        answer.reject(error);
      }
      this.#waiting.clear();
    });
    return worker;
  }
}

/** What the thread runs. Apache's MD5 takes the bytes of a password as characters. */
const thread = `
const { createHash, timingSafeEqual } = require("node:crypto");
const { parentPort, workerData } = require("node:worker_threads");
const bcrypt = require(workerData.bcrypt);
const apacheMd5 = require(workerData.apacheMd5);
const sha1 = (password) => "{SHA}" + createHash("sha1").update(password).digest("base64");
const md5 = (password, hash) => apacheMd5(Buffer.from(password).toString("latin1"), hash);
const isSame = (one, other) => one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
parentPort.on("message", ({ id, password, hash }) => {
  const matches = hash.startsWith("$2")
    ? bcrypt.compareSync(password, hash.replace(/^\\$2[xy]/, "$2b"))
    : isSame(hash.startsWith("{SHA}") ? sha1(password) : md5(password, hash), hash);
  parentPort.postMessage({ id, matches });
});
`;
