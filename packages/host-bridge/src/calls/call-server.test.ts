import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { type RequestInit, ServeHTTPError } from "@servehttp/contract";
import { TemporaryDirectory, until } from "@servehttp/testkit";
import { afterEach, beforeEach, expect, it } from "vitest";
import { EdgePolicy } from "../edge/edge-policy.js";
import type { CallAccess } from "../process/plugin-environment.js";
import { SocketDirectory } from "../process/socket-directory.js";
import { Mounts } from "../routing/mounts.js";
import { RequestIds } from "../server/request-ids.js";
import { logRecords } from "../test-rig/log-records.js";
import { type CallListenerOptions, createCallListener } from "./call-listener.js";
import { CallServer } from "./call-server.js";
import { Callers } from "./callers.js";

let opened: AsyncDisposableStack;
beforeEach(() => {
  opened = new AsyncDisposableStack();
});
afterEach(async () => {
  await opened.disposeAsync();
});

/** A server for calls to plugins that are not there. */
async function callServer(options: Partial<CallListenerOptions> = {}) {
  const temporary = opened.use(await TemporaryDirectory.make());
  const directory = opened.use(await SocketDirectory.create(temporary.path));
  const callers = new Callers();
  const serve = createCallListener({
    rules: { mounts: new Mounts("/plugins", ""), secretParameters: new Set() },
    edge: new EdgePolicy(),
    destination: () => ({ kind: "not-found" }),
    identity: undefined,
    context: undefined,
    requestIds: new RequestIds(),
    onHostFault: () => undefined,
    onRefused: () => undefined,
    onBadRequest: () => undefined,
    callers,
    identityHeadersNamed: false,
    logger: logRecords().logger,
    ...options,
  });
  const server = new CallServer(callers, serve);
  const open = async (pluginId: string, mayCall: readonly string[]) => {
    const access = await server.open(pluginId, mayCall, directory);
    let isRevoked = false;
    const revoke = () => {
      if (!isRevoked) {
        isRevoked = true;
        access.revoke();
      }
    };
    opened.defer(revoke);
    return { ...access, revoke };
  };
  return { callers, open };
}

async function called(
  access: Pick<CallAccess, "address" | "token">,
  path: string,
  fields: Readonly<Record<string, string>> = {},
): Promise<{ status: number | undefined; refusal: unknown }> {
  const outgoing = request({
    socketPath: access.address.slice("unix:".length),
    path,
    headers: { "Servehttp-Token": access.token, ...fields },
    agent: false,
  });
  outgoing.end();
  const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
  incoming.resume();
  await once(incoming, "end");
  return { status: incoming.statusCode, refusal: incoming.headers["servehttp-call"] };
}

const init = { requestId: "exchange-1", headers: [], deadlineUnixMs: 0 } as unknown as RequestInit;

it("lets nobody in without a token of its own, or with one that was revoked", async () => {
  const { open } = await callServer();
  const notes = await open("notes", ["search"]);
  const other = await open("other", ["search"]);
  expect(await called(notes, "/search/x")).toMatchObject({ status: 404 });
  for (const token of ["", "wrong", `${notes.token} `, notes.token.slice(1)]) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const answer = await called(
      { address: notes.address, token: token.trim() || "x" },
      "/search/x",
    );
    expect(answer.status).toBe(token === `${notes.token} ` ? 404 : 401);
  }
  other.revoke();
  expect(await called(other, "/search/x")).toMatchObject({ status: 401 });
});

it("takes no exchange for a call's that is over, or another plugin's", async () => {
  const { open, callers } = await callServer();
  const notes = await open("notes", ["search"]);
  const other = await open("other", ["search"]);
  const exchange = { "Servehttp-Exchange": "exchange-1" };
  expect(await called(notes, "/search/x", exchange)).toMatchObject({ status: 409 });
  const onOver = callers.begin("notes", init, undefined, 0);
  expect(await called(notes, "/search/x", exchange)).toMatchObject({ status: 404 });
  expect(await called(other, "/search/x", exchange)).toMatchObject({ status: 409 });
  onOver?.(undefined);
  expect(await called(notes, "/search/x", exchange)).toMatchObject({ status: 409 });
});

it("keeps no exchange of a plugin that may not call", async () => {
  const { callers } = await callServer();
  expect(callers.begin("notes", init, undefined, 0)).toBeUndefined();
});

it("says what to set where the options don't allow a call, before it says what there is", async () => {
  const { open } = await callServer();
  const notes = await open("notes", ["search"]);
  expect(await called(notes, "/admin/x")).toEqual({
    status: 403,
    refusal: `plugin "notes" may not call plugin "admin": add "admin" to mayCall of plugin "notes" in the host's options`,
  });
});

it.each(["/", "/../search/x", "/search%2Fx", "/a b", "http://search/x", "*"])(
  "refuses the target %j, which names no plugin that may be called",
  async (path) => {
    const { open } = await callServer();
    const notes = await open("notes", ["search"]);
    const answer = await called(notes, path.replace(" ", "%20"));
    expect([403, 404]).toContain(answer.status);
    expect(answer.refusal).toBeDefined();
  },
);

it("routes by no host, whatever a call says", async () => {
  for (const prefix of ["", "/plugins"]) {
    const mounts = new Mounts(prefix, "");
    mounts.add({ id: "admin", basePath: `${prefix}/admin`, hosts: ["admin.example"] });
    const rules = { mounts, secretParameters: new Set<string>() };
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const { open } = await callServer({ rules });
    // oxlint-disable-next-line no-await-in-loop -- as above
    const notes = await open("notes", ["search", "admin"]);
    const host = { Host: "admin.example" };
    // oxlint-disable-next-line no-await-in-loop -- as above
    const byField = await called(notes, "/search/x", host);
    expect(byField.refusal).toContain('no plugin "search"');
    // oxlint-disable-next-line no-await-in-loop -- as above
    const byTarget = await called(notes, "http://admin.example/search/x");
    expect(byTarget.refusal).toContain("the path of a call is");
  }
});

it("refuses calls outside of an exchange while it is not settled what identity may set", async () => {
  const unnamed = await callServer({ identity: () => ({}) });
  const notes = await unnamed.open("notes", ["search"]);
  const answer = await called(notes, "/search/x");
  expect(answer).toMatchObject({ status: 403 });
  expect(answer.refusal).toContain("edge.identityHeaders");
  unnamed.callers.begin("notes", init, {}, 0);
  const exchange = { "Servehttp-Exchange": "exchange-1" };
  expect(await called(notes, "/search/x", exchange)).toMatchObject({ status: 404 });
  const named = await callServer({ identity: () => ({}), identityHeadersNamed: true });
  const other = await named.open("notes", ["search"]);
  expect(await called(other, "/search/x")).toMatchObject({ status: 404 });
});

it("answers 508 to the ninth call within one another", async () => {
  const { open, callers } = await callServer();
  const notes = await open("notes", ["notes"]);
  const exchange = { "Servehttp-Exchange": "exchange-1" };
  callers.begin("notes", init, undefined, 7);
  expect(await called(notes, "/notes/x", exchange)).toMatchObject({ status: 404 });
  callers.begin("notes", init, undefined, 8);
  expect(await called(notes, "/notes/x", exchange)).toEqual({ status: 508, refusal: undefined });
});

it("tells of a call to a plugin that can't have it, as of a client's request", async () => {
  const refused: unknown[] = [];
  const error = new ServeHTTPError("overload", "too many exchanges");
  const { open } = await callServer({
    destination: () => ({ kind: "refused", error, retryAfterSeconds: 1 }),
    onRefused: (id, why) => void refused.push([id, why]),
  });
  const notes = await open("notes", ["search"]);
  expect(await called(notes, "/search/x")).toEqual({ status: 503, refusal: undefined });
  expect(refused).toEqual([["search", error]]);
});

it("does not reach a handler in the host's own process, which may rely on middleware", async () => {
  let reached = 0;
  const { open } = await callServer({
    destination: () => ({ kind: "handler", handler: () => (reached += 1) }),
  });
  const notes = await open("notes", ["inside"]);
  expect(await called(notes, "/inside/x")).toMatchObject({ status: 501 });
  expect(reached).toBe(0);
});

it("listens for its own user alone, and as long as a process may call", async () => {
  const { open } = await callServer();
  const notes = await open("notes", ["search"]);
  const other = await open("other", ["search"]);
  const path = notes.address.slice("unix:".length);
  expect(other.address).toBe(notes.address);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  notes.revoke();
  expect(await called(other, "/search/x")).toMatchObject({ status: 404 });
  other.revoke();
  await until(() => !existsSync(path), "the socket is gone");
  const again = await open("notes", ["search"]);
  expect(again.address).not.toBe(notes.address);
  expect(await called(again, "/search/x")).toMatchObject({ status: 404 });
});
