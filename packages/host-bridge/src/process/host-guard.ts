import { type ChildProcess, spawn } from "node:child_process";
import type { Logger } from "@servehttp/contract";

/**
 * Ends a host's plugins, and the processes that they started, when the host dies without being able
 * to do it: by SIGKILL, a crash, or for want of memory.
 *
 * It is a shell in a session of its own that reads from a pipe. The host tells it which process
 * groups run. When the host dies, the kernel closes the pipe, and the guard ends them. A plugin
 * that watches SERVEHTTP_HOST_FD ends sooner and in good order; the guard is for those that hang,
 * or don't watch it.
 */
export class HostGuard {
  readonly #directory: string;
  readonly #logger: Required<Logger>;
  readonly #groups = new Set<number>();
  #shell: ChildProcess | undefined;

  /** @param directory that is removed when the host has died: its sockets */
  constructor(directory: string, logger: Required<Logger>) {
    this.#directory = directory;
    this.#logger = logger;
  }

  /** The guard's own process, while there is one. */
  get pid(): number | undefined {
    return this.#shell?.pid;
  }

  /** Adds a process group that ends with the host. */
  watch(group: number): void {
    this.#groups.add(group);
    if (this.#shell === undefined) {
      this.#start();
    } else {
      this.#tell(`watch ${group}\n`);
    }
  }

  /** Takes a process group away that is gone: its id may soon belong to another one. */
  forget(group: number): void {
    if (this.#groups.delete(group)) {
      this.#tell(`forget ${group}\n`);
    }
  }

  /** Ends the guard, which then ends no plugin. Resolves when its process is gone. */
  async stop(): Promise<void> {
    const shell = this.#shell;
    if (shell === undefined) {
      return;
    }
    this.#shell = undefined;
    const gone = new Promise<void>((resolve) => {
      shell.once("close", () => resolve());
    });
    shell.stdin?.end("done\n");
    await gone;
  }

  #start(): void {
    const shell = this.#spawn();
    if (shell === undefined) {
      return;
    }
    this.#shell = shell;
    const onLost = (error?: unknown) => {
      if (this.#shell === shell) {
        this.#shell = undefined;
        this.#warn(error);
      }
    };
    shell.on("error", onLost);
    shell.on("exit", () => onLost());
    shell.stdin?.on("error", () => {
      // The guard is gone; its exit event says so.
    });
    for (const group of this.#groups) {
      this.#tell(`watch ${group}\n`);
    }
  }

  #spawn(): ChildProcess | undefined {
    try {
      return spawn("/bin/sh", ["-c", script, "servehttp-guard", this.#directory], {
        stdio: ["pipe", "ignore", "ignore"],
        env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
        cwd: "/",
        detached: true,
      });
    } catch (error) {
      this.#warn(error);
      return undefined;
    }
  }

  #warn(error: unknown): void {
    this.#logger.warn(
      error === undefined ? {} : { err: error },
      "the guard that ends plugins with the host is gone; the next plugin starts another",
    );
  }

  #tell(line: string): void {
    this.#shell?.stdin?.write(line);
  }
}

/**
 * Reads "watch GROUP", "forget GROUP" and "done", and keeps the groups in its positional
 * parameters. At the end of the input it sends all of them SIGTERM, and SIGKILL 0.3 s later.
 */
const script = `
directory=$1
shift
while read -r word group; do
  case $word in
    watch) set -- "$@" "$group" ;;
    forget)
      left=$#
      while [ "$left" -gt 0 ]; do
        first=$1
        shift
        [ "$first" = "$group" ] || set -- "$@" "$first"
        left=$((left - 1))
      done ;;
    done) exit 0 ;;
  esac
done
for group; do kill -s TERM -- "-$group"; done
sleep 0.3
for group; do kill -s KILL -- "-$group"; done
rm -rf -- "$directory"
`;
