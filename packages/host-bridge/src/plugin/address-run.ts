import { ServeHTTPError } from "@servehttp/contract";
import { abortableConnection } from "../process/abortable.js";
import type { Clock } from "../process/clock.js";
import { noEnd, type RunEnd } from "../process/shared-process.js";
import type { PluginRun } from "./plugin-run.js";

/** What a connection to a plugin's address is made of. */
export interface AddressRunOptions<Connection> {
  readonly connect: (signal: AbortSignal) => Promise<Connection>;
  /** How long it may take, in milliseconds. */
  readonly startMs: number;
  readonly clock: Clock;
  /** The process that listens there, where that is known. */
  readonly pid?: number | undefined;
  /** Called where its process is to be asked to end. */
  readonly onAsk?: () => void;
}

/** One connection to a plugin that somebody else runs. */
export class AddressRun<
  Connection extends { readonly lost: Promise<ServeHTTPError>; close(how: "now"): void },
> implements PluginRun<Connection> {
  readonly pid: number | undefined;
  readonly isHostAtFault = false;
  readonly ready: Promise<Connection>;
  readonly #over = new AbortController();

  readonly #onAsk: () => void;

  constructor(options: AddressRunOptions<Connection>) {
    this.pid = options.pid;
    this.#onAsk = options.onAsk ?? (() => undefined);
    this.ready = this.#connect(options);
  }

  get lost(): Promise<ServeHTTPError> {
    return this.ready.then(({ lost }) => lost);
  }

  /** It is somebody else's process, who may want to know. */
  ask(): void {
    this.#onAsk();
  }

  async end(): Promise<RunEnd> {
    this.#over.abort(new ServeHTTPError("host-stopping", "the host stopped the plugin"));
    const connection = await this.ready.catch(() => undefined);
    connection?.close("now");
    return noEnd;
  }

  async #connect(options: AddressRunOptions<Connection>): Promise<Connection> {
    const { clock, connect, startMs } = options;
    const over = new AbortController();
    clock.after(startMs, over.signal, () => {
      const message = `the plugin did not answer within ${startMs} ms`;
      this.#over.abort(new ServeHTTPError("deadline", message));
    });
    const { signal } = this.#over;
    try {
      return await abortableConnection(connect(signal), signal);
    } finally {
      over.abort();
    }
  }
}
