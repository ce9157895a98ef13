import { type ChildProcess, spawn } from "node:child_process";
import type { Logger } from "@servehttp/contract";

/**
 * Ends a host's plugins, and whatever they started, when the host dies in a way that lets it do
 * nothing any more: SIGKILL, a crash, the end of memory.
 *
 * It is a shell in a session of its own that reads from a pipe. It is told which process groups
 * run, and acts when the pipe ends, which the kernel sees to. A plugin's own watch on
 * SERVEHTTP_HOST_FD is quicker and gentler, but a plugin that is hung, or that knows nothing of it,
 * is ended by this one.
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

  /** A process group to end with the host. */
  watch(group: number): void {
    this.#groups.add(group);
    if (this.#shell === undefined) {
      this.#start();
    } else {
      this.#tell(`watch ${group}\n`);
    }
  }

  /** A process group that is gone: its id may soon be somebody else's. */
  forget(group: number): void {
    if (this.#groups.delete(group)) {
      this.#tell(`forget ${group}\n`);
    }
  }

  /** Lets the guard go, which then ends nothing. Resolves when its process is gone. */
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
      // It is gone, which its exit tells.
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
 * Reads "watch GROUP", "forget GROUP" and "done". The groups are its positional parameters. At the
 * end of the input it asks all of them to end, and a moment later they have no choice.
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
