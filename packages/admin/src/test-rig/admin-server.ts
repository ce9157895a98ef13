import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { PluginHost } from "@servehttp/host-bridge";
import type { AdminOptions } from "../admin-options.js";
import { type Admin, createAdmin } from "../create-admin.js";
import { checkAnswer, checkEvent } from "./described-api.js";

/** The token of admins in tests. */
export const token = "the-token-of-the-tests";

/** What goes with a call. */
export interface CallInit {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What a call was answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Of a body in JSON. */
  readonly json: unknown;
}

/** An event of a stream. */
export interface StreamEvent {
  readonly name: string;
  readonly id: string | undefined;
  readonly data: never;
}

/** An admin that listens. Whatever it answers is checked against its description. */
export class AdminServer implements AsyncDisposable {
  readonly admin: Admin;
  readonly url: string;
  readonly #server: Server;

  private constructor(admin: Admin, server: Server, url: string) {
    this.admin = admin;
    this.#server = server;
    this.url = url;
  }

  static async start(host: PluginHost, options: Partial<AdminOptions> = {}): Promise<AdminServer> {
    const admin = createAdmin(host, { token: token, ...options });
    const server = createServer(admin).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    return new AdminServer(admin, server, `http://127.0.0.1:${port}`);
  }

  /** Calls with the token, unless `headers` say something else. */
  async call(method: string, path: string, init: CallInit = {}): Promise<Answer> {
    const headers = { authorization: `Bearer ${token}`, ...init.headers };
    const response = await fetch(this.url + path, { ...init, method, headers });
    const text = await response.text();
    const type = response.headers.get("content-type");
    checkAnswer(method, path, response.status, type, text);
    const isJson = type?.includes("json") === true;
    const json: unknown = isJson ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, json };
  }

  /** Opens a stream of events, which goes on until `signal` aborts, or it ends. */
  async follow(
    path: string,
    signal: AbortSignal,
    more: Readonly<Record<string, string>> = {},
  ): Promise<AsyncGenerator<StreamEvent>> {
    const headers = { authorization: `Bearer ${token}`, ...more };
    const response = await fetch(this.url + path, { headers, signal });
    if (response.body === null || response.status !== 200) {
      throw new Error(`${path}: ${response.status} ${await response.text()}`);
    }
    return eventsOf(response.body.pipeThrough(new TextDecoderStream()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.admin.close();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

async function* eventsOf(texts: AsyncIterable<string>): AsyncGenerator<StreamEvent> {
  let rest = "";
  for await (const text of texts) {
    const blocks = `${rest}${text}`.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks.filter((one) => one !== ":")) {
      yield eventOf(block);
    }
  }
}

function eventOf(block: string): StreamEvent {
  const fields = new Map(
    block.split("\n").map((line) => line.split(/: (.*)/s, 2) as [string, string]),
  );
  const name = fields.get("event") ?? "";
  const data = JSON.parse(fields.get("data") ?? "") as never;
  checkEvent(name, data);
  return { name, id: fields.get("id"), data };
}
