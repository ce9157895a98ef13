import { describe, expect, it } from "vitest";
import { type PluginHandler, toServeHTTP } from "./handler.js";
import { callHandler } from "./testing.js";

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

  it.each([
    [undefined, /this is of type undefined/],
    [null, /this is null/],
    [{}, /this has none of them/],
    [() => undefined, /a bare function/],
    [{ serveHTTP: 5 }, /its serveHTTP is of type number/],
    [{ serveHTTP() {}, fetch() {} }, /this has serveHTTP and fetch: give one/],
  ])("says in one line why %j is no handler", (handler, why) => {
    const make = (): unknown => toServeHTTP(handler as PluginHandler);
    expect(make).toThrow(why);
    expect(make).toThrow(expect.objectContaining({ code: "invalid-argument" }));
    expect(make).toThrow(/^a handler is [^\n]*$/);
  });
});
