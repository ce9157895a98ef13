import { randomBytes } from "node:crypto";
import { type Admin, createAdmin } from "@servehttp/admin";
import type { Metrics } from "@servehttp/admin/metrics";
import type { PluginHost } from "@servehttp/host-bridge";
import type { Logger } from "pino";
import type { AdminSettings } from "../config/read-admin.js";
import { addressText } from "../listen/listen-address.js";
import type { ListenHandle } from "../listen/listener.js";
import { Listeners } from "../listen/listeners.js";

/** The admin of a host, on an address of its own. */
export class RunningAdmin {
  readonly #settings: AdminSettings;
  readonly #admin: Admin;
  readonly #listeners: Listeners;
  readonly #logger: Logger;
  /** Made for this run, where nobody gave one. */
  readonly #ownToken: string | undefined;

  constructor(
    host: PluginHost,
    settings: AdminSettings,
    logger: Logger,
    metrics: Pick<Metrics, "listener"> | undefined,
    isReady: () => boolean,
  ) {
    const { hosts, required, token } = settings;
    this.#settings = settings;
    this.#logger = logger;
    this.#ownToken = token === undefined ? randomBytes(32).toString("base64url") : undefined;
    this.#admin = createAdmin(host, {
      token: token ?? this.#ownToken ?? false,
      logger,
      isReady,
      ...(metrics !== undefined && { metrics: metrics.listener }),
      ...(hosts !== undefined && { hosts }),
      ...(required !== undefined && { required }),
    });
    // The host's own listeners have nothing to do with these.
    const alone = { attach: <Server>(server: Server): Server => server };
    this.#listeners = new Listeners({ host: alone, app: this.#admin, logger });
  }

  /**
   * Listens.
   *
   * @param handles of sockets that listen already, by their addresses
   * @throws CommandError where the address can't be had
   */
  async open(handles?: ReadonlyMap<string, ListenHandle>): Promise<void> {
    const { address, tls } = this.#settings.listener;
    await this.#listeners.open([this.#settings.listener], handles);
    if (address.kind === "tcp" && tls === undefined && !isLoopback(address.host)) {
      const details = { address: addressText(address) };
      const message =
        "the admin listens for other machines without TLS: its token can be read on the way; listen on 127.0.0.1, or give admin.tls";
      this.#logger.warn(details, message);
    }
  }

  /** Where people find it; with the token in the fragment where it was made for this run. */
  get url(): string {
    const [url = ""] = this.#listeners.urls;
    return this.#ownToken === undefined ? url : `${url}/#token=${this.#ownToken}`;
  }

  /** The socket, by its address, for a process that takes over. */
  get handles(): ReadonlyMap<string, ListenHandle> {
    return this.#listeners.handles;
  }

  /** Takes another certificate. */
  renewCertificate({ listener }: AdminSettings): void {
    this.#listeners.renewCertificates([listener]);
  }

  /** Leaves new connections to that process. */
  async retire(ms: number): Promise<void> {
    this.#admin.close();
    await this.#listeners.retire(ms);
  }

  async close(): Promise<void> {
    this.#admin.close();
    await this.#listeners.close();
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
