import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { get as getHttps } from "node:https";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { certificate, TemporaryDirectory, until } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import { CommandInMemory } from "../test-rig/command-in-memory.js";
import { pluginPath } from "../test-rig/plugin-path.js";

const hello = `hello=${pluginPath("hello")}`;

describe("servehttp", () => {
  it("serves plugins of the command line until a signal", async () => {
    await using command = new CommandInMemory(["--port", "0", "--plugin", hello, "--prefix=/p"]);
    const [, address] = await command.said(/^hello {2}READY {3}(\S+)$/m);
    expect(address).toBe(`${await command.url()}/p/hello/`);
    const response = await fetch(`${address}x`);
    expect(await response.text()).toBe("hello from /p/hello, you asked for /x");
    command.signal("SIGTERM");
    expect(await command.ended).toMatchObject({ exitCode: 0 });
    await expect(fetch(`${address}x`)).rejects.toThrow("fetch failed");
  });

  it("serves what a config says", async () => {
    await using directory = await TemporaryDirectory.make();
    const config = {
      plugins: { hello: "${HELLO}" },
      listen: ["127.0.0.1:0", "unix:./s"],
      publicPath: "/app",
    };
    await writeFile(directory.at("servehttp.config.json"), JSON.stringify(config));
    const environment = { ...process.env, HELLO: pluginPath("hello") };
    await using command = new CommandInMemory([], { cwd: directory.path, environment });
    const [, address] = await command.said(/^hello {2}READY {3}(\S+)$/m);
    expect(command.stdout).toContain(`listening on unix:${directory.at("s")}\n`);
    expect(await (await fetch(`${address}x`)).text()).toContain("hello from /app/plugins/hello");
  });

  it("speaks HTTP/2 and HTTP/1.1 where it has a certificate", async () => {
    await using directory = await TemporaryDirectory.make();
    const { cert, key } = certificate();
    await writeFile(directory.at("cert.pem"), cert);
    await writeFile(directory.at("key.pem"), key);
    const tls = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];
    await using command = new CommandInMemory(["--port", "0", "--plugin", hello, ...tls], {
      cwd: directory.path,
    });
    const [, address = ""] = await command.said(/^hello {2}READY {3}(https:\/\/\S+)$/m);
    const session = connectHttp2(address, { ca: cert, rejectUnauthorized: false });
    const overHttp2 = session.request({ ":path": new URL(address).pathname });
    const [head] = (await once(overHttp2, "response")) as [Record<string, unknown>];
    expect(head).toMatchObject({ ":status": 200, "x-scheme": "https" });
    expect(await text(overHttp2)).toContain("hello from /plugins/hello");
    const overHttp1 = getHttps(address, { rejectUnauthorized: false, agent: false });
    const [response] = (await once(overHttp1, "response")) as [IncomingMessage];
    expect([response.statusCode, response.httpVersion]).toEqual([200, "1.1"]);
    response.resume();
    // A client that keeps its session open does not hold up the end.
    command.signal("SIGTERM");
    expect(await command.ended).toMatchObject({ exitCode: 0 });
    session.destroy();
  });

  it("believes the PROXY protocol of balancers that it was told of", async () => {
    const flags = ["--port", "0", "--plugin", hello, "--proxy-protocol", "127.0.0.0/8"];
    await using command = new CommandInMemory(flags);
    const [, address = ""] = await command.said(/^hello {2}READY {3}(\S+)$/m);
    const { port, pathname } = new URL(address);
    const socket = connect(Number(port), "127.0.0.1");
    socket.write(
      `PROXY TCP4 203.0.113.7 127.0.0.1 4711 80\r\nGET ${pathname} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    expect(await text(socket)).toMatch(
      /^HTTP\/1\.1 200 [\s\S]*x-remote-address: 203\.0\.113\.7:4711/i,
    );
  });

  it("lets a request end that runs when the signal comes", async () => {
    await using command = new CommandInMemory(["--port", "0", "--plugin", hello]);
    const [, address = ""] = await command.said(/^hello {2}READY {3}(\S+)$/m);
    const upload = request(`${address}upload`, { method: "POST" });
    upload.write("first, ");
    const responded = once(upload, "response") as Promise<[IncomingMessage]>;
    await once(upload, "information");
    command.signal("SIGTERM");
    await until(() => command.stderr.includes("draining"), "the drain has begun");
    upload.end("then the rest");
    const [response] = await responded;
    expect(await text(response)).toBe("got first, then the rest");
    expect(await command.ended).toMatchObject({ exitCode: 0 });
  });

  it("breaks it at the second signal, with exit code 1", async () => {
    await using command = new CommandInMemory(["--port", "0", "--plugin", hello]);
    const [, address = ""] = await command.said(/^hello {2}READY {3}(\S+)$/m);
    const upload = request(`${address}upload`, { method: "POST" });
    const responded = once(upload, "response").catch((error: Error) => error.message);
    upload.write("first, ");
    await once(upload, "information");
    command.signal("SIGINT");
    command.signal("SIGINT");
    const ended = await command.ended;
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toMatch(/^servehttp: stopped by a second signal, with 1 in flight$/m);
    await responded;
    upload.destroy();
  });
});
