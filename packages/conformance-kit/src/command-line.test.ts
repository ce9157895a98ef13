import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { TemporaryDirectory } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import { runCommandLine } from "./command-line.js";
import { PluginUnderTest } from "./plugin/plugin-under-test.js";
import type { Report } from "./report/result.js";

const commandOf = (script: string): string =>
  `"${process.execPath}" "${fileURLToPath(new URL(`../dist/test-rig/${script}.js`, import.meta.url))}"`;
const plugin = commandOf("kit-plugin");
const faultyPlugin = commandOf("faulty-plugin");
const hostUrl = "http://127.0.0.1:{port}/plugins/kit";
const hostCommand = `${commandOf("kit-host")} {plugin} {port}`;

async function run(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  let [out, error] = ["", ""];
  const code = await runCommandLine(args, {
    out: (text) => {
      out += text;
    },
    error: (text) => {
      error += text;
    },
  });
  return { code, out, error };
}

describe("servehttp-conformance", () => {
  it("exits with 0 where nothing is wrong, and writes a table, JUnit and JSON", async () => {
    await using folder = await TemporaryDirectory.make();
    const { code, out } = await run(
      "--plugin",
      plugin,
      "--only=R5,P1.nothing",
      "--seed=a <b>",
      `--junit=${folder.at("junit.xml")}`,
      `--json=${folder.at("report.json")}`,
    );
    expect(code).toBe(0);
    expect(out).toMatch(/^ok {6}stream\/R5\.query {12} +\d+ ms {2}The query reaches/m);
    expect(out).toContain("4 passed, 0 failed, 0 failed as known, 0 fixed, 0 skipped: as expected");
    expect(out).toContain("seed: a <b>");
    const report = JSON.parse(await readFile(folder.at("report.json"), "utf8")) as Report;
    expect(report).toMatchObject({ asExpected: true, seed: "a <b>" });
    expect(report.results.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
      "stream/R5.query passed",
      "stream/P1.nothing passed",
      "mux/R5.query passed",
      "mux/P1.nothing passed",
    ]);
    const junit = await readFile(folder.at("junit.xml"), "utf8");
    expect(junit).toContain('<testsuite name="mux" tests="2" failures="0" skipped="0">');
    expect(junit).toContain('<property name="seed" value="a &lt;b>"/>');
  });

  it("exits with 1 where something is wrong, in one line with what was sent and what came", async () => {
    await using folder = await TemporaryDirectory.make();
    const junit = folder.at("junit.xml");
    const { code, out } = await run(
      "--plugin",
      faultyPlugin,
      "--only=Q7.reset",
      "--carrier=stream",
      `--junit=${junit}`,
    );
    expect(code).toBe(1);
    expect(out).toMatch(
      /^FAILED stream\/Q7\.reset: .*\["ended","returned"\] in place of \["cut","failed"\] \| sent init POST .*; sent chunk of 1000; .* \| row: An upload that is cut off/m,
    );
    expect(await readFile(junit, "utf8")).toContain("<failure message=");
  });

  it("takes failures that are known for expected, and their repair for a failure", async () => {
    await using folder = await TemporaryDirectory.make();
    const known = folder.at("known.txt");
    await writeFile(
      known,
      "# why\n\nR1.methods  it writes them small\nmux/R5.query  it was wrong once\n",
    );
    const args = ["--plugin", faultyPlugin, "--known-failures", known];
    const expected = await run(...args, "--only", "R1");
    expect([expected.code, expected.out]).toEqual([
      0,
      expect.stringContaining("2 failed as known"),
    ]);
    const repaired = await run(...args, "--only", "R1,R5");
    expect(repaired.code).toBe(1);
    expect(repaired.out).toContain(
      "FIXED mux/R5.query: it passes; take it out of the list of known failures (it was wrong once)",
    );
  });

  it("checks a plugin at an address, and skips what needs its process", async () => {
    await using running = new PluginUnderTest(plugin, undefined, 60);
    await running.ready();
    const at = ["--plugin", running.address.text, "--only", "L7.token,P1.write"];
    const { code, out } = await run(...at, `--token=${running.token ?? ""}`);
    expect([code, out]).toEqual([0, expect.stringContaining("2 passed")]);
    expect(out).toMatch(/^- {7}stream\/L7\.token/m);
    const refused = await run(...at);
    expect(refused.code).toBe(1);
    expect(refused.error).toBe("servehttp-conformance: Describe came to gRPC status 16\n");
  });

  it("checks a host that it starts, on both carriers, and leaves nothing of it behind", async () => {
    await using folder = await TemporaryDirectory.make();
    const { code, out, error } = await run(
      "--host",
      hostUrl,
      "--host-command",
      hostCommand,
      "--serve",
      `unix:${folder.at("kit.sock")}`,
      "--only=R5,P12,D5.head",
      `--json=${folder.at("report.json")}`,
    );
    expect([code, error, out]).toEqual([
      0,
      "",
      expect.stringContaining("4 passed, 0 failed, 0 failed as known"),
    ]);
    expect(out).toContain(`the kit's plugin is at unix:${folder.at("kit.sock")}\n`);
    expect(out).toMatch(/^ok {6}mux\/R5\.query/m);
    expect(out).toMatch(/^- {7}mux\/D5\.head/m);
    expect(out).toMatch(/^host: http:\/\/127\.0\.0\.1:\d+\/plugins\/kit; seed: /m);
    const report = JSON.parse(await readFile(folder.at("report.json"), "utf8")) as Report;
    expect(report.tested).toBe("host");
    expect(existsSync(folder.at("kit.sock"))).toBe(false);
  });

  it("finds what a faulty host gets wrong, with what both sides have sent and got", async () => {
    const wrong = [
      "P4.values",
      "P6.too-short",
      "P11.as-written",
      "P12.flush",
      "F1.after",
      "D3.waiting",
    ];
    const { code, out } = await run(
      `--host=${hostUrl}`,
      `--host-command=${hostCommand} --buffering`,
      `--only=${["R5", ...wrong].join()}`,
      "--carrier=mux",
      "--timeout=2",
    );
    expect(code).toBe(1);
    const failed = Array.from(out.matchAll(/^FAILED mux\/(\S+): /gm), ([, id = ""]) => id);
    expect(failed.toSorted()).toEqual(wrong.toSorted());
    expect(out).toMatch(
      /^FAILED mux\/F1\.after: .* \| .*client sent GET .*; plugin got init GET .*; plugin sent init 200 \+ chunk of 4 \+ flush.* \| row: A handler that fails behind its head/m,
    );
  });

  it("says why a host does not serve its plugin", async () => {
    const command = `"${process.execPath}" -e 'throw "no host"'`;
    const { code, error } = await run(`--host=${hostUrl}`, `--host-command=${command}`, "--wait=1");
    expect(code).toBe(1);
    expect(error).toMatch(
      /^servehttp-conformance: http:\/\/127\.0\.0\.1:\d+\/plugins\/kit does not serve unix:\S+: .*the host's process ended with exit code 1 and printed: .*no host.*\n$/,
    );
  });

  it("says why a command is no plugin", async () => {
    const { code, error } = await run("--plugin", `"${process.execPath}" -e 'throw "no app"'`);
    expect(code).toBe(1);
    expect(error).toMatch(
      /^servehttp-conformance: the plugin ended with exit code 1 before it listened on SERVEHTTP_ADDRESS; it printed: .*no app.*\n$/,
    );
  });

  it("leaves no plugin behind when it is told to end", async () => {
    await using folder = await TemporaryDirectory.make();
    const [pidFile, socket] = [folder.at("pid"), folder.at("socket")];
    const script = `echo $$ > ${pidFile}; echo $SERVEHTTP_ADDRESS > ${socket}; exec tail -f /dev/null`;
    const bin = fileURLToPath(new URL("../dist/bin.js", import.meta.url));
    const kit = spawn(process.execPath, [bin, "--plugin", `sh -c '${script}'`]);
    const exited = once(kit, "exit");
    await expect.poll(() => readFile(socket, "utf8").catch(() => "")).toMatch(/^unix:/);
    kit.kill("SIGTERM");
    expect(await exited).toEqual([143, null]);
    const pid = Number(await readFile(pidFile, "utf8"));
    await expect.poll(() => isAlive(pid)).toBe(false);
    const address = (await readFile(socket, "utf8")).trim();
    expect(existsSync(dirname(address.slice("unix:".length)))).toBe(false);
  });

  it("lists its checks", async () => {
    const all = await run("--list");
    expect([all.code, all.error]).toEqual([0, ""]);
    expect(all.out).toMatch(/^Q7\.half-close +stream +An upload/m);
    const { out } = await run("--list", "--only", "Q6");
    expect(out.match(/^\S+/gm)).toEqual(["Q6.continue", "Q6.refused"]);
    const core = await run("--list", "--core", "--only", "Q7");
    expect(core.out.match(/^\S+/gm)).toEqual(["Q7.half-close", "Q7.reset", "Q7.connection"]);
    const ofHosts = await run("--list", "--host", "any", "--only", "C7.two-hosts");
    expect(ofHosts.out).toMatch(/^C7\.two-hosts +stream, mux +A request with two Host fields/);
  });

  it("lists the rows, with their checks or why there are none", async () => {
    const ofPlugins = await run("--rows");
    expect(ofPlugins.code).toBe(0);
    expect(ofPlugins.out).toMatch(/^Q6 +100 \(Continue\) +Q6\.continue Q6\.refused$/m);
    expect(ofPlugins.out).toMatch(/^E1 +identity +- {2}the host decides it/m);
    expect((await run("--rows", "--host", "any")).out).toMatch(
      /^E1 +identity +E1\.identity E1\.trailers$/m,
    );
  });

  it("prints its help", async () => {
    expect(await run("--help")).toMatchObject({
      code: 0,
      out: expect.stringContaining("--known-failures FILE"),
    });
  });

  it.each([
    [[], "say which plugin"],
    [["--plugin", " "], "say which plugin"],
    [["--plugin", "tcp://1.2.3.4:1"], "an address begins with unix:, http:// or https://"],
    [["--plugin", "http://"], "is no address"],
    [["--plugin", "x", "--only", "Z9"], "there is no row and no check Z9"],
    [["--plugin", "x", "--carrier", "udp"], "it is stream or mux"],
    [["--plugin", "x", "--timeout", "soon"], "it is a number of seconds"],
    [["--plugin", "x", "--known-failures", "/nowhere"], "/nowhere can't be read"],
    [["--plugin"], "--plugin"],
    [["--list", "--only", "Q"], "there is no row and no check Q"],
    [["--plugin", "x", "--host", "http://a/"], "--plugin or --host, not both"],
    [["--host", "https://a/plugins/kit"], "it is where clients find the plugin, without TLS"],
    [["--host", "nowhere"], "it is where clients find the plugin"],
    [["--host", "http://a/", "--serve", "nowhere"], "it is unix:/path or 127.0.0.1:PORT"],
    [["--host", "http://a/", "--serve", "unix:/no/such/folder/s"], "can't serve its plugin at"],
    [["--host", "http://a/", "--wait", "soon"], "--wait soon: it is a number of seconds"],
    [["--host", "http://a/", "--core"], "--core is for plugins"],
    [["--plugin", "x", "--http2"], "--http2 is for hosts: say --host URL as well"],
    [["--what"], "Unknown option '--what'"],
    [["more"], "Unexpected argument 'more'"],
  ])("exits with 2 and one line for %j", async (args, message) => {
    const { code, out, error } = await run(...args);
    expect([code, out]).toEqual([2, ""]);
    expect(error).toMatch(/^servehttp-conformance: [^\n]*\n$/);
    expect(error).toContain(message);
  });

  it.each([
    ["Q99.none  why", "known.txt, line 1: there is no check Q99.none"],
    ["\nQ7.reset", "known.txt, line 2: say why Q7.reset fails"],
    ["Q7.reset  a\nmux/Q7.reset  b", "known.txt, line 2: mux/Q7.reset is in the list already"],
  ])("exits with 2 for the list of known failures %j", async (text, message) => {
    await using folder = await TemporaryDirectory.make();
    await writeFile(folder.at("known.txt"), text);
    const { code, error } = await run("--plugin", "x", "--known-failures", folder.at("known.txt"));
    expect([code, error]).toEqual([2, expect.stringContaining(message)]);
  });
});

/** Whether there is such a process that has not ended. One that nobody has waited for has. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
