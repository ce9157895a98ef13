import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import type { PluginHandler } from "@servehttp/plugin-sdk";
import { Bridge } from "../test-rig/bridge.js";
import { RawClient } from "../test-rig/raw-client.js";
import { fastPathOf } from "./install.js";

/** Answers with the method, the url, the fields but for those of forwarding, and the body's hash. */
const tells: PluginHandler = {
  async serveHTTP(request, response) {
    const body = createHash("sha256");
    for await (const chunk of request.body) {
      body.update(chunk);
    }
    const fields = [...request.headers].filter(([name]) => !/forwarded/i.test(name));
    await response.end(
      `<${request.method} ${request.url} ${JSON.stringify(fields)} ${body.digest("hex").slice(0, 8)}>`,
    );
  },
};

function requestOf(path: string, fields: readonly string[], body = ""): string {
  const method = body === "" ? "GET" : "POST";
  return `${[`${method} /plugins/notes/${path} HTTP/1.1`, "Host: a", ...fields, "", ""].join("\r\n")}${body}`;
}

/** What the plugin tells of a request. */
async function ask(client: RawClient, request: string): Promise<string> {
  client.send(request);
  await client.take("\r\n\r\n");
  return client.take(">");
}

function told(path: string, fields: readonly string[], body = ""): string {
  const method = body === "" ? "GET" : "POST";
  const pairs = fields.map((field) => {
    const [name = "", value = ""] = field.split(": ");
    return [name, value];
  });
  const hash = createHash("sha256").update(body).digest("hex").slice(0, 8);
  return `<${method} /${path} ${JSON.stringify(pairs)} ${hash}>`;
}

it("passes on each request as it came, whatever of it was the same before", async () => {
  await using bridge = await Bridge.start(tells);
  using client = await RawClient.connect(bridge.port);
  const many = ["Accept: */*", "X-Number: 1", `Cookie: a=${"b".repeat(300)}`];
  const requests: [path: string, fields: string[]][] = [
    ["a", many],
    ["b", many],
    ["c?d=e", many],
    // As long as before, and not the same.
    ["c?d=e", ["Accept: */*", "X-Number: 2", `Cookie: a=${"b".repeat(300)}`]],
    ["c?d=e", many],
    ["f", []],
    ["g", []],
    ["h", []],
    ["i", many],
  ];
  for (const [path, fields] of requests) {
    expect(await ask(client, requestOf(path, fields))).toBe(told(path, fields));
  }
  expect(fastPathOf(bridge.server)?.served).toBe(requests.length);
});

it("reads bodies of the length that repeats, and requests without one between them", async () => {
  await using bridge = await Bridge.start(tells);
  using client = await RawClient.connect(bridge.port);
  for (const body of ["first", "other", "third", "", "", "", "fourth-", "five", "last!"]) {
    const length = body === "" ? [] : [`Content-Length: ${body.length}`];
    expect(await ask(client, requestOf("up", length, body))).toBe(told("up", [], body));
  }
  expect(fastPathOf(bridge.server)?.served).toBe(9);
});

it("tells a plugin of an empty body that is declared each time", async () => {
  await using bridge = await Bridge.start(tells);
  using client = await RawClient.connect(bridge.port);
  for (let time = 0; time < 4; time += 1) {
    expect(await ask(client, requestOf("up", ["Content-Length: 0"]))).toBe(
      told("up", ["Content-Length: 0"]),
    );
  }
});

it("E1: gives each request the identity that it has, on one connection with the same fields", async () => {
  let user = "";
  await using bridge = await Bridge.start(tells, {
    host: { identity: () => (user === "" ? {} : { "X-User-Id": user }) },
  });
  using client = await RawClient.connect(bridge.port);
  const sent = ["X-Kept: 1", "X-User-Id: evil"];
  // Before anybody was known, nobody knew that the field is the host's.
  for (const next of ["alice", "", "bob", "bob", "", "alice"]) {
    user = next;
    expect(await ask(client, requestOf("", sent))).toBe(
      told("", next === "" ? ["X-Kept: 1"] : ["X-Kept: 1", `X-User-Id: ${next}`]),
    );
  }
});

it("E1: leaves out a field of the client's once identity has named it", async () => {
  let isKnown = false;
  await using bridge = await Bridge.start(tells, {
    host: { identity: () => (isKnown ? { "X-User-Id": "alice" } : {}) },
  });
  using first = await RawClient.connect(bridge.port);
  using second = await RawClient.connect(bridge.port);
  const sent = ["X-Kept: 1", "X-User-Id: evil"];
  for (let time = 0; time < 3; time += 1) {
    expect(await ask(first, requestOf("", sent))).toBe(told("", sent));
  }
  isKnown = true;
  expect(await ask(second, requestOf("", []))).toBe(told("", ["X-User-Id: alice"]));
  isKnown = false;
  expect(await ask(first, requestOf("", sent))).toBe(told("", ["X-Kept: 1"]));
});

it("gives a request that a client repeats an id of its own, and the context that it has", async () => {
  let context: Record<string, string> | undefined;
  await using bridge = await Bridge.start(
    {
      async serveHTTP({ context: given, host, id, method, remoteAddress, url }, response) {
        const seen = { given: { ...given }, host, id, method, remoteAddress, url };
        await response.end(`<${JSON.stringify(seen)}>`);
      },
    },
    { host: { context: () => context as Record<string, string> } },
  );
  using client = await RawClient.connect(bridge.port);
  const ids = new Set<string>();
  const heads = new Set<string>();
  for (const given of [undefined, undefined, undefined, undefined, { a: "1" }, undefined]) {
    context = given;
    const seen = JSON.parse((await ask(client, requestOf("a", []))).slice(1, -1));
    expect(seen.given).toEqual(given ?? {});
    ids.add(seen.id);
    heads.add(JSON.stringify({ ...seen, id: "", given: "" }));
  }
  expect(ids.size).toBe(6);
  expect(heads.size).toBe(1);
  expect(fastPathOf(bridge.server)?.served).toBe(6);
});

it("M1: brings a request that a client repeats to where its plugin is by then", async () => {
  await using bridge = await Bridge.start(tells);
  using client = await RawClient.connect(bridge.port);
  const fields = ["X-Kept: 1"];
  for (let time = 0; time < 4; time += 1) {
    expect(await ask(client, requestOf("a", fields))).toBe(told("a", fields));
  }
  await bridge.host.remove("notes");
  await bridge.host.add("notes", { url: bridge.plugin.address, path: "full" });
  await expect.poll(() => bridge.host.plugins[0]?.state).toBe("ready");
  for (let time = 0; time < 2; time += 1) {
    expect(await ask(client, requestOf("a", fields))).toBe(told("plugins/notes/a", fields));
  }
  expect(fastPathOf(bridge.server)?.served).toBe(6);
});

it("answers with the head of each response, whatever of it was the same before", async () => {
  await using bridge = await Bridge.start({
    async serveHTTP(request, response) {
      const [status, value, body] = request.url.slice(1).split("/");
      response.writeHead(Number(status), { "X-Value": value ?? "" });
      await response.end(body);
    },
  });
  using client = await RawClient.connect(bridge.port);
  const answers = ["200/a/one", "200/a/one", "200/a/one", "200/a/three", "200/b/one", "404/a/one"];
  for (const answer of [...answers, ...answers, ...answers]) {
    const [status = "", value = "", body = ""] = answer.split("/");
    client.send(requestOf(answer, []));
    expect(await client.take(`\r\n\r\n${body}`)).toMatch(
      new RegExp(
        `^HTTP/1.1 ${status} [^\r]+\r\nX-Value: ${value}\r\nContent-Length: ${body.length}\r\nDate: [^\r]+\r\n` +
          `Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n${body}$`,
      ),
    );
  }
});
