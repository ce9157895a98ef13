import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
// As it is published: with the page that the build has made.
import { createAdmin } from "@servehttp/admin";
import { createPluginHost, type PluginHost } from "@servehttp/host-bridge";
import { type Logger, pino } from "pino";

/** The token of the admin. */
export const siteToken = "the-token-of-the-page";

const script = fileURLToPath(new URL("../../dist/test-rig/dashboard-plugin.js", import.meta.url));

/** A host with real plugins and its admin, each on a port of its own, for tests of the page. */
export class DashboardSite implements AsyncDisposable {
  readonly host: PluginHost;
  /** The host's. */
  readonly logger: Logger;
  /** Of the admin, with a slash at the end. */
  readonly adminUrl: string;
  /** Of the plugin `notes`, with a slash at the end. */
  readonly notesUrl: string;
  readonly #admin: { readonly listener: RequestListener & Disposable; server: Server };
  readonly #public: Server;

  private constructor(
    host: PluginHost,
    logger: Logger,
    admin: { readonly listener: RequestListener & Disposable; readonly server: Server },
    front: Server,
  ) {
    this.host = host;
    this.logger = logger;
    this.#admin = admin;
    this.#public = front;
    this.adminUrl = `http://127.0.0.1:${portOf(admin.server)}/`;
    this.notesUrl = `http://127.0.0.1:${portOf(front)}/plugins/notes/`;
  }

  /**
   * Starts with the plugins `notes`, a process; `broken`, a process that ends with an error; and
   * `inside`, in the host's own process.
   */
  static async start(): Promise<DashboardSite> {
    const logger = pino({ level: "info" }, { write: () => undefined });
    const host = createPluginHost({
      plugins: {
        notes: { command: [process.execPath, script] },
        broken: { command: ["sh", "-c", "echo 'Error: no mail server at 10.0.4.12' >&2; exit 3"] },
        inside: { handler: (_, response) => void response.end("inside") },
      },
      timeouts: { waitMs: 0 },
      logger,
    });
    const listener = createAdmin(host, { token: siteToken });
    await host.start();
    const front = createServer();
    host.attach(front);
    return new DashboardSite(
      host,
      logger,
      { listener, server: await listen(createServer(listener), 0) },
      await listen(front, 0),
    );
  }

  /** Of the process of `notes`. */
  get notesPid(): number {
    const pid = this.host.plugins.find(({ id }) => id === "notes")?.pid;
    if (pid === undefined) {
      throw new Error("notes has no process");
    }
    return pid;
  }

  /** Ends the admin's server and all its connections, as if the network were gone. */
  async disconnectAdmin(): Promise<void> {
    await close(this.#admin.server);
  }

  /** Makes a new server of the admin, where the old one was. */
  async connectAdmin(): Promise<void> {
    const { listener } = this.#admin;
    this.#admin.server = await listen(createServer(listener), Number(new URL(this.adminUrl).port));
  }

  /** Keeps requests coming to `notes`, some at a time, until it is disposed of. */
  load(): AsyncDisposable {
    const ended = new AbortController();
    const { signal } = ended;
    const ask = async () => {
      while (!signal.aborted) {
        try {
          await (await fetch(this.notesUrl, { signal })).text();
        } catch {
          // The plugin is being killed.
        }
      }
    };
    const asked = Promise.all([ask(), ask(), ask(), ask()]);
    return {
      [Symbol.asyncDispose]: async () => {
        ended.abort();
        await asked;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#admin.listener[Symbol.dispose]();
    await close(this.#admin.server);
    await close(this.#public);
    await this.host.stop({ drainMs: 0 });
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function listen(server: Server, port: number): Promise<Server> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
}
