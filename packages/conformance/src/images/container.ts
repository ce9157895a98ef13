import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { childrenOf } from "@servehttp/testkit";
import { imageProcess } from "./dockerfile.js";

/** How a container runs, beside what its image says. */
export interface ContainerOptions {
  /** What is in its image: a directory that stands for `/`. */
  readonly root: string;
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Directories of this machine that it sees as they are. */
  readonly shared?: readonly string[];
  /** A descriptor for what it prints. */
  readonly log: number;
}

/**
 * A process as a container runtime runs it by the manifests: process 1, the user of its image, without
 * any capability, and a root file system that can't be written to. It shares this machine's network.
 */
export class Container implements AsyncDisposable {
  readonly #runtime: ChildProcess;
  readonly #exited: Promise<number | null>;
  readonly #program: string;

  constructor(image: string, { args = [], environment, log, root, shared = [] }: ContainerOptions) {
    const { directory, entryPoint, environment: variables, gid, uid } = imageProcess(image);
    for (const path of ["proc", "tmp", ...shared]) {
      mkdirSync(join(root, path), { recursive: true });
    }
    this.#program = entryPoint[0] ?? "";
    const mounts = [
      `mount --bind ${root} ${root}`,
      `mount -t proc proc ${root}/proc`,
      `mount -t tmpfs -o size=16m,mode=1777 tmpfs ${root}/tmp`,
      ...shared.map((path) => `mount --rbind -o ro ${path} ${root}${path}`),
      `mount -o remount,bind,ro ${root}`,
    ];
    const own = ["--root", root, "--wd", directory, "--setgid", `${gid}`, "--setuid", `${uid}`];
    const script = [...mounts, 'exec unshare "$@"'].join(" && ");
    this.#runtime = spawn(
      "unshare",
      // oxfmt-ignore
      ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh", ...own, ...entryPoint, ...args],
      {
        env: { PATH: process.env["PATH"], ...variables, ...environment },
        stdio: ["ignore", log, log],
      },
    );
    this.#exited = once(this.#runtime, "exit").then(([code]) => code as number | null);
  }

  /** Sends SIGTERM to its process 1. Resolves with its exit code. */
  async end(): Promise<number | null> {
    const [first] = childrenOf(this.#runtime.pid ?? 0, this.#program);
    if (first === undefined) {
      throw new Error(`${this.#program} does not run`);
    }
    process.kill(first, "SIGTERM");
    return await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#runtime.kill("SIGKILL");
    await this.#exited;
  }
}

/** Puts a program into a root, with the libraries that it is linked to and nothing else. */
export function putProgram(root: string, program: string, path: string): void {
  const linked = execFileSync("ldd", [program], { encoding: "utf8" });
  const libraries = Array.from(linked.matchAll(/(\/\S+) \(0x/g), ([, library = ""]) => library);
  for (const [from, to] of [[program, path], ...libraries.map((library) => [library, library])]) {
    mkdirSync(dirname(`${root}${to}`), { recursive: true });
    copyFileSync(from ?? "", `${root}${to}`);
  }
}

/** Writes a file into a root. */
export function putFile(root: string, path: string, text: string): void {
  mkdirSync(dirname(`${root}${path}`), { recursive: true });
  writeFileSync(`${root}${path}`, text);
}
