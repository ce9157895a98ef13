import { randomUUID } from "node:crypto";
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../settled.js";
import { type CallScene, startCallScene } from "./call-scene.js";

/** Three processes on a machine that is busy with others. */
const startMsMax = 120_000;
/** What the host gives exchanges with the plugin `hasty`. */
const hastyMs = 5_000;

interface Description {
  readonly method: string;
  readonly url: string;
  readonly requestUri: string;
  readonly host: string;
  readonly scheme: string;
  readonly remoteAddress: string;
  readonly context: Readonly<Record<string, string>>;
  readonly calledBy?: string;
  readonly deadline?: number;
  readonly headers: readonly (readonly [string, string])[];
}

describe.each(["mux", "stream"] as const)("%s: plugins that call each other", (carrier) => {
  let scene: CallScene;
  beforeAll(async () => {
    scene = await startCallScene(carrier);
  }, startMsMax);
  afterAll(async () => {
    await scene[Symbol.asyncDispose]();
  });

  async function described(path: string, init?: RequestInit): Promise<Description> {
    return (await (await scene.ask(path, init)).json()) as Description;
  }

  async function failure(path: string): Promise<unknown> {
    return await (await scene.ask(`failure/${path}`)).json();
  }

  it("tells the called plugin who calls, and who its client is", async () => {
    const headers = { "x-login": "ada", "x-tenant": "blue", "x-own": "1" };
    const own = await described("describe/x", { headers });
    const called = await described("call/called/describe/x?q=1", { headers });
    expect(own.calledBy).toBeUndefined();
    expect(called).toMatchObject({
      method: "GET",
      url: "/describe/x?q=1",
      requestUri: "/plugins/called/describe/x?q=1",
      calledBy: "caller",
      host: own.host,
      scheme: "http",
      context: { tenant: "blue" },
    });
    expect(called.remoteAddress).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(valuesOf(called, "x-user-id")).toEqual(["ada"]);
    expect(valuesOf(called, "x-own")).toEqual(["1"]);
    for (const name of ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded"]) {
      expect(valuesOf(called, name)).toEqual(valuesOf(own, name));
    }
    const wire = called.headers.filter(([name]) => /^servehttp-/i.test(name));
    expect(wire).toEqual([]);
  });

  it("lets no plugin forge who it is, or who its client is", async () => {
    const headers = { "x-login": "ada", "x-tenant": "blue" };
    const called = await described("forged/describe/x", { headers });
    expect(called).toMatchObject({ calledBy: "caller", context: { tenant: "blue" } });
    expect(called.host).toBe(`127.0.0.1:${scene.port}`);
    expect(called.remoteAddress).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(valuesOf(called, "x-user-id")).toEqual(["ada"]);
    expect(valuesOf(called, "x-forwarded-for")).toEqual(["127.0.0.1"]);
    expect(JSON.stringify(called.headers)).not.toMatch(/forged|6\.6\.6\.6/);
  });

  it("has no client outside of an exchange, and lets no plugin make one up", async () => {
    const called = await described("outside/describe/x", { headers: { "x-login": "ada" } });
    expect(called).toMatchObject({ calledBy: "caller", remoteAddress: "", context: {} });
    expect(valuesOf(called, "x-user-id")).toEqual([]);
    expect(JSON.stringify(called.headers)).not.toMatch(/forged|6\.6\.6\.6|ada/);
  });

  it("carries status, header fields and trailers", async () => {
    const trailers = Promise.withResolvers<NodeJS.Dict<string>>();
    const raw = Promise.withResolvers<string[]>();
    request({ port: scene.port, path: "/plugins/caller/call/called/fields" }, (response) => {
      response.resume();
      response.on("end", () => trailers.resolve(response.trailers));
      raw.resolve([String(response.statusCode), ...response.rawHeaders]);
    }).end();
    const [status, ...fields] = await raw.promise;
    expect(status).toBe("418");
    expect(fields.filter((_, at) => /^set-cookie$/i.test(fields[at - 1] ?? ""))).toEqual([
      "a=1",
      "b=2",
    ]);
    expect(fields).toContain("caf\xe9");
    expect(fields.join("\n")).not.toMatch(/servehttp-call/i);
    expect(await trailers.promise).toEqual({ "x-checksum": "1234" });
  });

  it("streams both ways at once, chunk by chunk", async () => {
    const sent = request({
      port: scene.port,
      path: "/plugins/caller/call/called/echo",
      method: "POST",
    });
    sent.write("first");
    const response = await new Promise<AsyncIterable<Buffer>>((resolve) => {
      sent.on("response", resolve);
    });
    const chunks = response[Symbol.asyncIterator]();
    expect(String((await chunks.next()).value)).toBe("first");
    for (const chunk of ["second", "third"]) {
      sent.write(chunk);
      // oxlint-disable-next-line no-await-in-loop -- each is sent when the one before is back
      expect(String((await chunks.next()).value)).toBe(chunk);
    }
    sent.end();
    expect((await chunks.next()).done).toBe(true);
  });

  it("lets server-sent events through as they are written", async () => {
    const key = randomUUID();
    const response = await scene.ask(`call/called/events/${key}`);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const reader = response.body!.getReader();
    for (let count = 0; count < 3; count += 1) {
      // oxlint-disable-next-line no-await-in-loop -- the next one is not written before
      expect(String(Buffer.from((await reader.read()).value ?? []))).toBe(`data: ${count}\n\n`);
      scene.observation.open(key, `event ${count}`);
    }
    expect((await reader.read()).done).toBe(true);
  });

  it("cancels the call when the client leaves the calling exchange", async () => {
    const key = randomUUID();
    const controller = new AbortController();
    const answer = scene.ask(`call/called/hang/${key}`, { signal: controller.signal });
    answer.catch(() => undefined);
    await scene.observation.next(key, "called");
    controller.abort();
    expect(await scene.observation.next(key, "aborted")).toBe("client-disconnected");
  });

  it("cancels the call when the calling exchange ends well", async () => {
    const key = randomUUID();
    const answer = scene.ask(`leave/hang/${key}`);
    await scene.observation.next(key, "called");
    scene.observation.open(key, "leave");
    expect(await (await answer).text()).toBe("left");
    expect(await scene.observation.next(key, "aborted")).toBe("client-disconnected");
    expect(await scene.observation.next(key, "call ended")).toBe("connection-lost");
  });

  it("cancels the call when its signal aborts", async () => {
    const key = randomUUID();
    const answer = scene.ask(`cancel/hang/${key}?head`);
    expect(await scene.observation.next(key, "aborted")).toBe("client-disconnected");
    expect(await (await answer).text()).toBe("enough");
  });

  it("gives the call the time that is left to the calling exchange", async () => {
    const key = randomUUID();
    const before = Date.now();
    const path = `/plugins/hasty/call/called/hang/${key}`;
    const response = await fetch(`http://127.0.0.1:${scene.port}${path}`);
    expect(response.status).toBe(504);
    const deadline = (await scene.observation.next(key, "called")) as number;
    expect(deadline).toBeGreaterThanOrEqual(before + hastyMs);
    expect(deadline).toBeLessThanOrEqual(Date.now() + hastyMs);
    expect(await scene.observation.next(key, "aborted")).toBe("deadline");
  });

  it("hands the trace context on, unless the call has one of its own", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const headers = { traceparent, tracestate: "a=b" };
    const handed = await described("forged/describe/x", { headers });
    expect(valuesOf(handed, "traceparent")).toEqual([traceparent]);
    expect(valuesOf(handed, "tracestate")).toEqual(["a=b"]);
    const own = await described("call/called/describe/x", { headers });
    expect(valuesOf(own, "traceparent")).toEqual([traceparent]);
  });

  it("shows an upload that fails as one that was cut off", async () => {
    const key = randomUUID();
    const answer = scene.ask(`broken/read/${key}`);
    expect(await scene.observation.next(key, "chunk")).toBe("first");
    scene.observation.open(key, "break");
    expect(await (await answer).text()).toBe("the source failed");
    expect(await scene.observation.next(key, "read")).toBe("client-disconnected");
  });

  it("breaks the body of a response that breaks off", async () => {
    const key = randomUUID();
    const told = failure(`called/half/${key}`);
    await scene.observation.next(key, "head");
    scene.observation.open(key, "fail");
    expect(await told).toMatchObject({ code: "connection-lost" });
  });

  it("answers 508 where plugins call each other in a loop, and calls no more of them", async () => {
    const caller = await scene.observation.process("caller");
    const { exchanges } = await caller.report();
    const response = await scene.ask("loop/0");
    expect(response.status).toBe(508);
    expect(response.headers.get("x-depth")).toBe("8");
    expect(await response.text()).toBe("Plugins call each other in a loop.\n");
    expect((await caller.report()).exchanges - exchanges).toBe(9);
    await until(() => scene.log.some((line) => line.includes("plugins call each other in a loop")));
  });

  it("says what to set where a plugin may not call", async () => {
    const path = "/plugins/hasty/failure/caller/describe";
    const response = await fetch(`http://127.0.0.1:${scene.port}${path}`);
    expect(await response.json()).toEqual({
      code: "call-refused",
      message: `plugin "hasty" may not call plugin "caller": add "caller" to mayCall of plugin "hasty" in the host's options`,
    });
    const none = await fetch(`http://127.0.0.1:${scene.port}/plugins/called/failure/caller/x`);
    expect(await none.json()).toEqual({
      code: "call-refused",
      message: `this plugin may not call others: set mayCall: ["caller"] for it in the host's options, which only a plugin with a command can have`,
    });
  });

  it("says so of a plugin that is unknown, stopped, or in the host's process", async () => {
    expect(await failure("unknown/x")).toEqual({
      code: "call-refused",
      message: `the host has no plugin "unknown" that serves HTTP: look at the plugins in its options`,
    });
    expect(await failure("inside/x")).toEqual({
      code: "call-refused",
      message: `plugin "inside" is a handler in the host's own process, which calls don't reach`,
    });
    expect(await failure("stopped/x")).toEqual({ status: 503 });
  });

  it("tells only a plugin that may call how to, and takes it out of its environment", async () => {
    const { observation } = scene;
    const variables = async (role: string) =>
      ((await observation.process(role)).detail as { environment: string[] }).environment;
    expect(await variables("caller")).toContain("SERVEHTTP_CALLS_TOKEN");
    expect(await variables("called")).not.toContain("SERVEHTTP_CALLS_TOKEN");
    expect(await variables("called")).not.toContain("SERVEHTTP_CALLS_ADDRESS");
  });
});

function valuesOf({ headers }: Description, name: string): string[] {
  return headers.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value);
}
