import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { expect } from "vitest";
import type { ExampleFeature } from "../example-feature.js";
import type { ExampleSite } from "../example-site.js";

/** `examples/mcp`, asked by the stock client of the SDK. */
export const mcpExampleFeatures: readonly ExampleFeature[] = [
  {
    feature: "tools, progress while one runs",
    by: ["@modelcontextprotocol/sdk", "express"],
    works: "yes",
    how: "`StreamableHTTPServerTransport` as it is; each message of its stream goes out at once.",
    async check(site) {
      await using session = await Session.open(site);
      const added = await session.client.callTool({ name: "add", arguments: { a: 2, b: 3 } });
      expect(added["content"]).toEqual([{ type: "text", text: "5" }]);
      const seen: number[] = [];
      const onprogress = ({ progress }: { progress: number }) => void seen.push(progress);
      const count = { name: "count", arguments: { to: 5 } };
      const counted = await session.client.callTool(count, undefined, { onprogress });
      expect(counted["content"]).toEqual([{ type: "text", text: "counted to 5" }]);
      expect(seen).toEqual([1, 2, 3, 4, 5]);
    },
  },
  {
    feature: "the standing stream of a GET",
    by: ["@modelcontextprotocol/sdk"],
    works: "yes",
    how: "It stays open, and what the server says unasked arrives at once.",
    async check(site) {
      await using session = await Session.open(site);
      await session.learn("first");
      await expect.poll(() => session.changes).toBe(1);
      expect((await session.client.listTools()).tools.map(({ name }) => name)).toContain("first");
    },
  },
  {
    feature: "a standing stream that broke, resumed by `Last-Event-ID`",
    by: ["@modelcontextprotocol/sdk"],
    works: "yes",
    how: "With an event store, the client gets what it missed.",
    async check(site) {
      await using session = await Session.open(site);
      await session.learn("first");
      await expect.poll(() => session.changes).toBe(1);
      session.breakStream();
      await session.learn("second");
      await expect.poll(() => session.changes).toBe(2);
      expect(session.resumedFrom).toEqual([null, expect.stringMatching(/./)]);
    },
  },
  {
    feature: "the end of a session by DELETE",
    by: ["@modelcontextprotocol/sdk"],
    works: "yes",
    how: "The client's `terminateSession()`; its streams end with it.",
    async check(site) {
      const { open } = await openSessions(site);
      await using session = await Session.open(site);
      expect(await openSessions(site)).toEqual({ open: open + 1 });
      await session.end();
      expect(await openSessions(site)).toEqual({ open });
    },
  },
];

async function openSessions(site: ExampleSite): Promise<{ open: number }> {
  return (await (await fetch(new URL("sessions", site.url))).json()) as { open: number };
}

/** A session of the stock client. The test can break its standing stream, as a network would. */
class Session implements AsyncDisposable {
  readonly client = new Client({ name: "test", version: "1.0.0" });
  /** How often the server has said unasked that its tools are others. */
  changes = 0;
  /** The `Last-Event-ID` of each GET. */
  readonly resumedFrom: (string | null)[] = [];
  readonly #transport: StreamableHTTPClientTransport;
  readonly #standing = Promise.withResolvers<void>();
  #stream = new AbortController();

  private constructor(site: ExampleSite) {
    this.#transport = new StreamableHTTPClientTransport(site.url, {
      fetch: (url, init = {}) => (init.method === "GET" ? this.#get(url, init) : fetch(url, init)),
    });
    this.client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
      this.changes += 1;
    });
  }

  /** Resolves when the standing stream is open, too. */
  static async open(site: ExampleSite): Promise<Session> {
    const session = new Session(site);
    await session.client.connect(session.#transport);
    await session.#standing.promise;
    return session;
  }

  /** Has the server take a new tool of this name, of which it tells by the standing stream. */
  async learn(name: string): Promise<void> {
    await this.client.callTool({ name: "learn", arguments: { name } });
  }

  breakStream(): void {
    this.#stream.abort();
    this.#stream = new AbortController();
  }

  end(): Promise<void> {
    return this.#transport.terminateSession();
  }

  async #get(url: string | URL, init: RequestInit): Promise<Response> {
    const signal = AbortSignal.any([this.#stream.signal, ...(init.signal ? [init.signal] : [])]);
    const response = await fetch(url, { ...init, signal });
    this.resumedFrom.push(new Headers(init.headers).get("last-event-id"));
    this.#standing.resolve();
    return response;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#transport.sessionId !== undefined) {
      await this.end();
    }
    await this.client.close();
  }
}
