import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { ExchangeServer, ServingState, type ListenAddress } from "@servehttp/carrier";
import { expect, it } from "vitest";
import { TemporaryDirectory } from "@servehttp/testkit";
import { formatListenAddress } from "./listen-address.js";
import { listenAt } from "./listen-at.js";

it("replaces the socket file of a process that was killed", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = directory.at("s");
  await leaveSocketFile(path);
  const server = someServer();
  expect(await listenAt(server, { path })).toEqual({ path });
  expect(statSync(path).isSocket()).toBe(true);
  await server.drain();
  expect(existsSync(path)).toBe(false);
});

it("never takes a socket away from who listens there", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = directory.at("s");
  const first = createServer();
  first.listen(path);
  await once(first, "listening");
  const before = statSync(path, { bigint: true });
  expect(await refusal({ path })).toBe("another process listens there");
  expect(statSync(path, { bigint: true })).toMatchObject({
    ino: before.ino,
    ctimeNs: before.ctimeNs,
  });
  first.close();
  await once(first, "close");
});

it("lets one of many that start at once have the place of a dead one, and the others none", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = directory.at("s");
  await leaveSocketFile(path);
  const servers = Array.from({ length: 8 }, someServer);
  const outcomes = await Promise.allSettled(servers.map((server) => listenAt(server, { path })));
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(existsSync(path)).toBe(true);
  await Promise.all(servers.map((server) => server.drain()));
});

it("never removes a file that is no socket", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = directory.at("notes.txt");
  writeFileSync(path, "precious");
  expect(await refusal({ path })).toBe("there is a file that is not a socket");
  expect(readFileSync(path, "utf8")).toBe("precious");
  mkdirSync(directory.at("d"));
  expect(await refusal({ path: directory.at("d") })).toBe("there is a file that is not a socket");
});

it("says what is wrong with a path", async () => {
  await using directory = await TemporaryDirectory.make();
  expect(await refusal({ path: directory.at("none/s") })).toBe("its directory does not exist");
  const long = directory.at("x".repeat(200));
  expect(await refusal({ path: long })).toMatch(
    new RegExp(`^the path has ${long.length} bytes, and the path of a socket can have 10[37]$`),
  );
});

it("says what is wrong with a port", async () => {
  const first = createServer();
  first.listen(0, "127.0.0.1");
  await once(first, "listening");
  const { port } = first.address() as { port: number };
  expect(await refusal({ host: "127.0.0.1", port })).toBe("another process listens there");
  first.close();
  await once(first, "close");
  // A documentation address (RFC 5737): nobody's.
  expect(await refusal({ host: "203.0.113.7", port: 0 })).toBe(
    "this machine does not have that address",
  );
});

/** A socket file on which nobody listens, as a process leaves it that has no time to clean up. */
async function leaveSocketFile(path: string): Promise<void> {
  const script = `require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
  const child = spawn(process.execPath, ["-e", script, path], { stdio: "ignore" });
  await once(child, "exit");
  expect(statSync(path).isSocket()).toBe(true);
}

/** Why the address can't be had. */
async function refusal(address: ListenAddress): Promise<string> {
  const server = someServer();
  const error = await listenAt(server, address).then(
    () => undefined,
    (thrown: unknown) => thrown as Error,
  );
  const start = `can't listen on ${JSON.stringify(formatListenAddress(address))}: `;
  expect(error).toMatchObject({ code: "invalid-argument" });
  expect(error?.message.startsWith(start)).toBe(true);
  return error?.message.slice(start.length) ?? "";
}

function someServer(): ExchangeServer {
  return new ExchangeServer({
    accept: () => ({ receive: () => undefined, abort: () => undefined }),
    services: { software: "test", state: new ServingState() },
    rpc: (_request, response) => response.end(),
    token: undefined,
  });
}
