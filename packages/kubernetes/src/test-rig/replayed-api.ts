import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";

/** What an API server has answered. */
export interface RecordedAnswer {
  readonly status: number;
  readonly text: string;
}

/** What a real API server, kube-apiserver 1.36.3, answered to `npm run kubernetes -- --record`. */
export const recorded = JSON.parse(
  readFileSync(new URL("recorded-answers.json", import.meta.url), "utf8"),
) as Readonly<
  Record<"list" | "watch" | "tooOld" | "forbidden" | "unauthenticated" | "notFound", RecordedAnswer>
>;

/** The lines of the recorded watch, each with its end. */
export const watchLines: readonly string[] = recorded.watch.text.split(/(?<=\n)/);

/** Answers a request, whole or bit by bit. */
export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** Answers as it was recorded. */
export function whole({ status, text }: RecordedAnswer): Answer {
  return (response) =>
    void response.writeHead(status, { "content-type": "application/json" }).end(text);
}

/** Begins to answer a watch, and leaves it open. */
export function open(lines: readonly string[]): Answer {
  return (response) => {
    response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
    if (lines.length > 0) {
      response.write(lines.join(""));
    }
  };
}

/** An API server that gives answers which were decided before, one after the other. */
export class ReplayedApi implements AsyncDisposable {
  readonly kubeConfig = new KubeConfig();
  /** The queries that came, with the path of each. */
  readonly asked: { readonly path: string; readonly query: URLSearchParams }[] = [];
  readonly authorizations: (string | undefined)[] = [];
  readonly #server = createServer((request, response) => this.#onRequest(request, response));
  readonly #answers: Answer[];
  /** Connections that are open. */
  connections = 0;

  private constructor(answers: readonly Answer[]) {
    this.#answers = [...answers];
    this.#server.on("connection", (socket) => {
      this.connections += 1;
      socket.once("close", () => (this.connections -= 1));
    });
  }

  static async start(...answers: readonly Answer[]): Promise<ReplayedApi> {
    const api = new ReplayedApi(answers);
    api.#server.listen(0, "127.0.0.1");
    await once(api.#server, "listening");
    const { port } = api.#server.address() as AddressInfo;
    const server = `http://127.0.0.1:${port}`;
    api.kubeConfig.loadFromOptions({
      clusters: [{ name: "test", server, skipTLSVerify: true }],
      users: [{ name: "host", token: "a-token" }],
      contexts: [{ name: "here", cluster: "test", user: "host", namespace: "recorded" }],
      currentContext: "here",
    });
    return api;
  }

  /** What the versions were that watches asked for. */
  get versions(): readonly (string | null)[] {
    return this.asked
      .filter(({ query }) => query.has("watch"))
      .map(({ query }) => query.get("resourceVersion"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close().closeAllConnections();
    await closed;
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const { pathname: path, searchParams: query } = new URL(request.url ?? "", "http://api");
    this.asked.push({ path, query });
    this.authorizations.push(request.headers.authorization);
    const answer = this.#answers.shift();
    if (answer === undefined) {
      response.writeHead(500).end(`nothing was recorded for ${request.url}`);
      return;
    }
    answer(response, request);
  }
}
