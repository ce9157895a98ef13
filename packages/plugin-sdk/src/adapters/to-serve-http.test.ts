import { createServer } from "node:http";
import { describe, expect, it } from "vitest";
import type { NodeHandler } from "./node.js";
import { type PluginHandler, toServeHTTP } from "./to-serve-http.js";
import { callHandler } from "../testing/testing.js";

const node: NodeHandler["node"] = (_incoming, outgoing) => outgoing.end("node");

describe("toServeHTTP", () => {
  it("calls a method on its object", async () => {
    class Greeter {
      readonly greeting = "hello";
      async serveHTTP(...[, response]: Parameters<ReturnType<typeof toServeHTTP>>): Promise<void> {
        await response.end(this.greeting);
      }
    }
    expect(await (await callHandler(new Greeter()).response).text()).toBe("hello");
    const fetching = {
      greeting: "fetched",
      fetch() {
        return new Response(this.greeting);
      },
    };
    expect(await (await callHandler(fetching).response).text()).toBe("fetched");
  });

  it("takes a listener, and a server that has one", async () => {
    expect(await (await callHandler({ node }).response).text()).toBe("node");
    expect(await (await callHandler(createServer(node)).response).text()).toBe("node");
  });

  it("fails the exchanges of a server without a listener", async () => {
    const call = callHandler(createServer());
    await expect(call.response).rejects.toMatchObject({ code: "handler-failed" });
  });

  it.each([
    [undefined, /this is of type undefined/],
    [null, /this is null/],
    [{}, /this has none of them/],
    [() => undefined, /a bare function/],
    [{ routing() {}, server: {} }, /of a Fastify app give app.server/],
    [{ callback() {} }, /of a Koa app give/],
    [{ serveHTTP: 5 }, /its serveHTTP is of type number/],
    [{ serveHTTP() {}, fetch() {} }, /this has serveHTTP and fetch: give one/],
    [{ serveHTTP() {}, upgrade: true }, /its upgrade is of type boolean/],
  ])("says in one line why %j is no handler", (handler, why) => {
    const make = (): unknown => toServeHTTP(handler as PluginHandler);
    expect(make).toThrow(why);
    expect(make).toThrow(expect.objectContaining({ code: "invalid-argument" }));
    expect(make).toThrow(/^a handler is [^\n]*$/);
  });
});
