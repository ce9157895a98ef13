import { connect } from "node:net";
import { buffer, text } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import { certificate } from "@servehttp/testkit";
import { expect, it } from "vitest";
import { documentedPrograms } from "../hosts/documented-programs.js";
import { http1Client, http2Client } from "../hosts/host-client.js";
import { RunningProgram } from "../hosts/running-program.js";
import { pageAt } from "./pages.js";

// `npm run proxies` runs the programs with the proxies in front of them.

const programs = documentedPrograms(pageAt("docs/behind-a-proxy.md"));

it.each(["The host", "The host, over HTTP/2"])(
  "serves plugins by the program of %s",
  async (heading) => {
    await using program = await RunningProgram.start(programs.get(heading) ?? "");
    await using client = heading.endsWith("HTTP/2")
      ? await http2Client(program.port, false)
      : http1Client(program.port, false);
    const call = client.call("GET", "/plugins/notes/hello");
    call.body.end();
    const { status, body } = await call.response;
    expect([status, String(await buffer(body))]).toEqual([200, "hello"]);
  },
);

it("serves plugins by the program of The host, behind the PROXY protocol", async () => {
  const code = programs.get("The host, behind the PROXY protocol") ?? "";
  const { cert, key } = certificate();
  await using program = await RunningProgram.start(code.replaceAll("/etc/notes/", ""), {
    "cert.pem": cert,
    "key.pem": key,
  });
  const balancer = connect(program.port, "127.0.0.1");
  balancer.write("PROXY TCP4 203.0.113.7 198.51.100.1 4711 443\r\n");
  const client = connectTls({ socket: balancer, rejectUnauthorized: false });
  client.write("GET /plugins/notes/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  expect(await text(client)).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*hello/);
});
