import { setTimeout as delay } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Carrier, type DescribeResponse, PluginService } from "@servehttp/contract/services";
import type { CarrierName } from "../wire/host.js";
import { Http2Connection } from "../wire/http2-connection.js";
import { type PluginAddress, readAddress } from "../wire/plugin-address.js";
import { PluginProcess } from "./plugin-process.js";

const { describe } = PluginService.method;
const describePath = "/servehttp.v1.PluginService/Describe";
const lookEveryMs = 20;

/** A plugin that could not be tested at all. */
export class NotReady extends Error {}

/** The plugin that is tested: the kit has started it, or it listens somewhere. */
export class PluginUnderTest implements AsyncDisposable {
  readonly #target: PluginAddress | string;
  readonly #token: string | undefined;
  readonly #startSeconds: number;
  #process: PluginProcess | undefined;

  /** `plugin` is a command or an address. `token` is shown to an address; a command gets one. */
  constructor(plugin: string, token: string | undefined, startSeconds: number) {
    this.#target = readAddress(plugin) ?? plugin;
    this.#token = token;
    this.#startSeconds = startSeconds;
  }

  /** The process, where the kit has started one. */
  get process(): PluginProcess | undefined {
    return this.#process;
  }

  get address(): PluginAddress {
    return typeof this.#target === "string" ? this.#running().address : this.#target;
  }

  get token(): string | undefined {
    return typeof this.#target === "string" ? this.#running().token : this.#token;
  }

  /** Whether the kit starts the plugin. */
  get isCommand(): boolean {
    return typeof this.#target === "string";
  }

  /**
   * Starts it, where it is a command that does not run, and asks who it is.
   *
   * @throws NotReady where nobody answers in time
   */
  async ready(): Promise<DescribeResponse> {
    if (typeof this.#target === "string" && this.#process?.ended !== undefined) {
      await this.#process[Symbol.asyncDispose]();
      this.#process = undefined;
    }
    if (typeof this.#target === "string") {
      this.#process ??= await PluginProcess.start(this.#target);
    }
    const until = performance.now() + this.#startSeconds * 1_000;
    let cause: unknown;
    while (performance.now() < until && this.#process?.ended === undefined) {
      try {
        return await this.#describe();
      } catch (error) {
        if (error instanceof NotReady) {
          throw error;
        }
        cause = error;
        await delay(lookEveryMs);
      }
    }
    throw new NotReady(this.#problem(cause));
  }

  /**
   * A connection of the host's. `windowBytes` is the window of each of its streams. It shows the
   * token that the plugin wants, unless there is another, or null for none.
   */
  connect(windowBytes?: number, token?: string | null): Promise<Http2Connection> {
    const shown = token === undefined ? this.token : (token ?? undefined);
    return Http2Connection.open(this.address, shown, windowBytes);
  }

  /** Stops the process, where there is one. The next `ready` starts another. */
  async stop(): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    this.#process = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #running(): PluginProcess {
    if (this.#process === undefined) {
      throw new Error("the plugin was not started");
    }
    return this.#process;
  }

  async #describe(): Promise<DescribeResponse> {
    using connection = await this.connect();
    const question = create(describe.input, { contractVersions: [1], pluginId: "conformance" });
    const answer = await connection.unary(describePath, toBinary(describe.input, question));
    if (answer.message !== undefined) {
      return fromBinary(describe.output, answer.message);
    }
    if (answer.status !== undefined) {
      throw new NotReady(`Describe came to ${answer.text}`);
    }
    throw new Error(answer.text);
  }

  #problem(cause: unknown): string {
    const process = this.#process;
    const output =
      process === undefined || process.output === "" ? "" : `; it printed: ${process.output}`;
    if (process?.ended !== undefined) {
      return `the plugin ended with ${process.ended} before it listened on SERVEHTTP_ADDRESS${output}`;
    }
    const reason = cause instanceof Error ? ` (${cause.message})` : "";
    return `nobody answered Describe at ${this.address.text} within ${this.#startSeconds} s${reason}${output}`;
  }
}

/** The carriers that a plugin offers. */
export function carriersOf({ carriers }: DescribeResponse): readonly CarrierName[] {
  return carriers.includes(Carrier.MUX) ? ["stream", "mux"] : ["stream"];
}
