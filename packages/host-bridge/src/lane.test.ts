import { describe, expect, it } from "vitest";
import { laneOf } from "./attach-lane.js";
import { Bridge } from "./test-rig/bridge.js";
import { RawCaller } from "./test-rig/raw-caller.js";

describe("lane", () => {
  it("serves a plain request", async () => {
    await using bridge = await Bridge.start({
      async serveHTTP(request, response) {
        await response.end(`${request.method} ${request.url} ${await request.text()}`);
      },
    });
    using caller = await RawCaller.connect(bridge.port);
    caller.send("GET /plugins/notes/a HTTP/1.1", "Host: a", "", "");
    console.log(await caller.take("GET /a "));
    caller.send("POST /plugins/notes/a HTTP/1.1", "Host: a", "content-length: 3", "", "abcGET /plugins/notes/b HTTP/1.1", "Host: a", "", "GET /elsewhere HTTP/1.1", "Host: a", "", "");
    console.log(await caller.take("POST /a abc"));
    console.log(await caller.take("GET /b "));
    console.log(await caller.take("404"));
    expect(laneOf(bridge.server)?.served).toBe(3);
  });
});
