import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { gzipSync } from "node:zlib";
import { TemporaryDirectory, until } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import { createPluginHost } from "../create-plugin-host.js";
import { Bridge, type BridgeOptions } from "../test-rig/bridge.js";

const browser = {
  accept: "text/html,application/xhtml+xml,*/*;q=0.8",
  "sec-fetch-dest": "document",
};
const development = { failurePages: true, liveReload: true };

/** A plugin that answers what the query says: its type, its encoding, whether in pieces. */
async function bridgeOf(options: BridgeOptions = { host: { development } }) {
  const bridge = await Bridge.start(
    {
      async serveHTTP(request, response) {
        const query = new URL(request.url, "http://h").searchParams;
        response.headers.set("content-type", query.get("type") ?? "text/html; charset=utf-8");
        response.headers.set("etag", '"1"');
        if (query.has("gzip")) {
          response.headers.set("content-encoding", "gzip");
          await response.end(gzipSync("<p>hello"));
          return;
        }
        if (query.has("length")) {
          response.headers.set("content-length", "8");
        }
        response.writeHead(Number(query.get("status") ?? 200));
        await response.write("<p>");
        if (query.has("pieces")) {
          await response.flush();
        }
        await response.end("hello");
      },
    },
    options,
  );
  const send = (query: string, headers: Record<string, string> = browser, method = "GET") =>
    fetch(`http://127.0.0.1:${bridge.port}/plugins/notes/page?${query}`, { headers, method });
  return {
    bridge,
    send,
    ask: async (...given: Parameters<typeof send>) => {
      const response = await send(...given);
      return await response.text();
    },
    [Symbol.asyncDispose]: () => bridge[Symbol.asyncDispose](),
  };
}

const tag =
  /^<p>hello\n<script async src="\/plugins\/notes\/\.servehttp\/live\.js\?[\w-]+"><\/script>\n$/;

describe("liveReload", () => {
  it("puts its script behind a page, whole, in pieces or with a length, and lets nobody store it", async () => {
    await using rig = await bridgeOf();
    for (const query of ["", "pieces", "length", "length&pieces", "status=404", "type=text/html"]) {
      const response = await rig.send(query);
      expect(await response.text()).toMatch(tag);
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(response.headers.get("etag")).toBeNull();
    }
  });

  it("touches nothing else", async () => {
    await using rig = await bridgeOf();
    const page = "<p>hello";
    for (const type of ["text/plain", "application/json", "text/html; charset=utf-16"]) {
      expect(await rig.ask(`type=${type}`)).toBe(page);
    }
    expect(await rig.ask("gzip")).toBe(page);
    expect(await rig.ask("status=206")).toBe(page);
    expect(await rig.ask("", { ...browser, "sec-fetch-dest": "empty" })).toBe(page);
    expect(await rig.ask("", { accept: "application/json" })).toBe(page);
    const head = await rig.send("length", browser, "HEAD");
    expect([head.headers.get("content-length"), head.headers.get("etag")]).toEqual(["8", '"1"']);
  });

  it("is off by default: no script, and its paths are the plugin's", async () => {
    await using rig = await bridgeOf({});
    const response = await rig.send("");
    expect([await response.text(), response.headers.get("etag")]).toEqual(["<p>hello", '"1"']);
    const events = `http://127.0.0.1:${rig.bridge.port}/plugins/notes/.servehttp/live`;
    expect(await (await fetch(events)).text()).toBe("<p>hello");
  });

  it("tells a page of a new plugin, and ends its events when the host stops", async () => {
    await using rig = await bridgeOf();
    const page = await rig.ask("");
    const [, script = ""] = /src="([^"]+)"/.exec(page) ?? [];
    const { origin, pathname, search } = new URL(script, `http://127.0.0.1:${rig.bridge.port}`);
    const source = await (await fetch(origin + pathname)).text();
    expect(source).toContain("new EventSource(");
    const events = await fetch(origin + pathname.slice(0, -".js".length));
    expect(events.headers.get("content-type")).toBe("text/event-stream");
    let told = "";
    const reading = (async () => {
      for await (const chunk of events.body ?? []) {
        told += Buffer.from(chunk).toString();
      }
    })();
    const generation = search.slice(1);
    const first = `event: generation\ndata: ${generation}\n\n`;
    await until(() => told === first, "the first generation");
    await rig.bridge.host.reload("notes");
    await until(() => told.length > first.length, "the second generation");
    const [, second] = /data: (\S+)\n\n$/.exec(told) ?? [];
    expect(second).not.toBe(generation);
    expect(await rig.ask("")).toContain(`live.js?${second}"`);
    await rig.bridge.host.stop();
    await reading;
  });
});

describe("failurePages", () => {
  it("shows why a plugin did not start, with what it said, and reloads when it does", async () => {
    await using directory = await TemporaryDirectory.make();
    writeFileSync(directory.at("notes.mjs"), "const <b> = 1;\n");
    const command = [process.execPath, directory.at("notes.mjs")];
    const timeouts = { waitMs: 0 };
    const plugins = { notes: { command, timeouts } };
    await using host = createPluginHost({ plugins, logger: false, development });
    const server = host.attach(createServer()).listen(0, "127.0.0.1");
    await once(server, "listening");
    await host.start();
    const { port } = server.address() as { port: number };
    const url = `http://127.0.0.1:${port}/plugins/notes/`;
    const page = await fetch(url, { headers: browser });
    expect(page.status).toBe(503);
    expect(page.headers.get("proxy-status")).toContain("servehttp; error=destination_unavailable");
    expect(page.headers.get("retry-after")).toMatch(/^\d+$/);
    const html = await page.text();
    expect(html).toContain("<h1>The plugin notes is not available</h1>");
    expect(html).toContain("it exited with code 1");
    expect(html).toMatch(/notes\.mjs:1\nconst &#60;b&#62; = 1;\n.*SyntaxError: /s);
    expect(html).toContain("/plugins/notes/.servehttp/live.js?none");
    const text = await (await fetch(url)).text();
    expect(text).toMatch(
      /^plugin notes is not available \([\w-]+\): it exited with code 1 .*\n\n.*const <b> = 1;/s,
    );
    server.close();
    server.closeAllConnections();
  });

  it("says nothing of it unless it is told to", async () => {
    await using directory = await TemporaryDirectory.make();
    writeFileSync(directory.at("notes.mjs"), "const <b> = 1;\n");
    const command = [process.execPath, directory.at("notes.mjs")];
    const plugins = { notes: { command, timeouts: { waitMs: 0 } } };
    await using host = createPluginHost({ plugins, logger: false });
    const server = host.attach(createServer()).listen(0, "127.0.0.1");
    await once(server, "listening");
    await host.start();
    const { port } = server.address() as { port: number };
    const page = await fetch(`http://127.0.0.1:${port}/plugins/notes/`, { headers: browser });
    expect([page.status, await page.text()]).toEqual([
      503,
      "The plugin is not available at the moment.\n",
    ]);
    server.close();
    server.closeAllConnections();
  });
});
