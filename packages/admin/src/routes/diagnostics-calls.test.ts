import { once } from "node:events";
import { connect, createServer as createH2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PluginDetail, StateChange } from "../api/plugin.js";
import type { PluginEvent } from "../api/event.js";
import type { Problem } from "../api/problem.js";
import { createAdmin } from "../create-admin.js";
import { AdminServer, token } from "../test-rig/admin-server.js";
import { RunningHost } from "../test-rig/running-host.js";

const talker = fileURLToPath(new URL("../../dist/test-rig/plugins/talker.js", import.meta.url));

let running: RunningHost;
let server: AdminServer;
beforeAll(async () => {
  running = await RunningHost.start(
    { serveHTTP: (_request, response) => response.end() },
    { plugins: { talker: { command: [process.execPath, talker], instances: 1 } } },
  );
  server = await AdminServer.start(running.host);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await running[Symbol.asyncDispose]();
});

describe("a process that the host has started", () => {
  it("gives a heap snapshot that DevTools can read", async () => {
    const { headers, status, text } = await server.call(
      "POST",
      "/api/plugins/talker/heap-snapshot",
    );
    expect([status, headers.get("content-disposition")]).toEqual([
      200,
      expect.stringMatching(/^attachment; filename="talker-\d+\.heapsnapshot"$/),
    ]);
    const { nodes, snapshot } = JSON.parse(text) as {
      readonly nodes: readonly number[];
      readonly snapshot: { readonly meta: object; readonly node_count: number };
    };
    expect(nodes.length).toBeGreaterThan(snapshot.node_count);
    // It goes on as if nothing had been.
    expect((await fetch(`${running.url.replace("notes", "talker")}/`)).status).toBe(200);
  });

  it("gives a profile of the time that was asked for", async () => {
    const profile = server.call("POST", "/api/plugins/talker/cpu-profile?seconds=1");
    const { startTime, endTime, nodes } = JSON.parse((await profile).text) as {
      readonly startTime: number;
      readonly endTime: number;
      readonly nodes: readonly object[];
    };
    expect(nodes.length).toBeGreaterThan(0);
    // In microseconds. The timer may fire a little early by that clock.
    expect(endTime - startTime).toBeGreaterThan(900_000);
  });

  it("stops a profile when whoever has asked leaves", async () => {
    const admin = createAdmin(running.host, { token });
    const overHttp2 = createH2Server(admin as never).listen(0, "127.0.0.1");
    await once(overHttp2, "listening");
    const session = connect(`http://127.0.0.1:${(overHttp2.address() as AddressInfo).port}`);
    let isAnswered = false;
    const open = () => {
      isAnswered = false;
      const stream = session.request({
        ":method": "POST",
        ":path": "/api/plugins/talker/cpu-profile?seconds=300",
        authorization: `Bearer ${token}`,
      });
      stream.once("response", () => (isAnswered = true));
      return stream.on("error", () => undefined).end();
    };
    const another = async () =>
      (await server.call("POST", "/api/plugins/talker/cpu-profile?seconds=1")).status;
    let stream = open();
    await expect
      .poll(async () => {
        if (isAnswered) {
          // The other one came first.
          stream = open();
          return undefined;
        }
        return await another();
      })
      .toBe(409);
    stream.close();
    await expect.poll(another).toBe(200);
    admin.close();
    session.close();
    overHttp2.close();
  });
});

describe("other plugins", () => {
  it("say that they allow nobody to look into them", async () => {
    for (const what of ["heap-snapshot", "cpu-profile"]) {
      // oxlint-disable-next-line no-await-in-loop
      const answer = await server.call("POST", `/api/plugins/notes/${what}`);
      expect([answer.status, (answer.json as Problem).detail]).toEqual([
        501,
        "plugin notes: this plugin allows no diagnostics: servePlugin(handler, { diagnostics: true })",
      ]);
    }
  });

  it("that are stopped can't be looked into", async () => {
    await running.host.stop({ plugin: "notes" });
    const answer = await server.call("POST", "/api/plugins/notes/heap-snapshot");
    expect([answer.status, (answer.json as Problem).detail]).toEqual([
      409,
      "plugin notes is stopped",
    ]);
    await running.host.start("notes");
  });
});

describe("a process that is killed", () => {
  it("shows at once, with its last words", async () => {
    await fetch(`${running.url.replace("notes", "talker")}/last`);
    const detail = async () =>
      (await server.call("GET", "/api/plugins/talker")).json as PluginDetail;
    const { pid } = await detail();
    const over = new AbortController();
    const seen: StateChange[] = [];
    for await (const { name, data } of await server.follow("/api/events", over.signal)) {
      if (name === "plugins") {
        process.kill(pid ?? 0, "SIGKILL");
      }
      const { change, plugin } = data as PluginEvent;
      if (name === "plugin" && plugin.id === "talker" && change !== null) {
        seen.push(change);
      }
      if (seen.at(-1)?.state === "ready") {
        break;
      }
    }
    over.abort();
    const down = seen.filter(({ state }) => state === "backing-off");
    expect(down[0]).toMatchObject({ failure: null });
    expect(down.at(-1)).toMatchObject({
      at: down[0]?.at,
      reason: "it was ended by SIGKILL",
      failure: { signal: "SIGKILL", stderr: expect.arrayContaining(["asked for /last"]) },
    });
    const { history, restarts } = await detail();
    expect(restarts).toBe(1);
    expect(history.map(({ state }) => state)).toEqual([
      "ready",
      "backing-off",
      "starting",
      "ready",
    ]);
  });
});
