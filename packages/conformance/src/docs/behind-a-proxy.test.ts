import { buffer } from "node:stream/consumers";
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
