import type { AddressInfo, Server } from "node:net";

/** What a server tells the bench once it accepts connections, one line of JSON on stdout. */
export interface Announcement {
  /** On 127.0.0.1; absent where the server listens on the unix socket that it was given. */
  readonly port?: number;
  /** A plugin process that the server started itself. */
  readonly pluginPid?: number;
}

/** What a host answers to the question "memory", after a collection where it can have one. */
export interface HostMemory {
  readonly rss: number;
  /** Bytes in the JavaScript heap and outside of it that belong to JavaScript objects. */
  readonly heap: number;
}

/**
 * Listens on a unix socket, or on a port that the system chooses; says so on stdout; leaves when
 * told to, or when the bench is gone.
 */
export function announce(server: Server, socketPath: string | undefined, pluginPid?: number): void {
  server.listen(
    socketPath === undefined
      ? { port: 0, host: "127.0.0.1", backlog }
      : { path: socketPath, backlog },
    () => {
      const announcement: Announcement = {
        ...(socketPath === undefined ? { port: (server.address() as AddressInfo).port } : {}),
        ...(pluginPid === undefined ? {} : { pluginPid }),
      };
      console.log(JSON.stringify(announcement));
    },
  );
  answerQuestions();
}

/** Many clients connect at once in the event stream cases. */
const backlog = 4_096;

function answerQuestions(): void {
  process.on("message", (question) => {
    if (question !== "memory") {
      throw new Error(`don't know ${String(question)}`);
    }
    globalThis.gc?.();
    const { rss, heapUsed, external } = process.memoryUsage();
    process.send?.({ rss, heap: heapUsed + external } satisfies HostMemory);
  });
  process.once("disconnect", () => process.exit(0));
  process.once("SIGTERM", () => process.exit(0));
}
