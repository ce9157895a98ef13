import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { servePlugin } from "@servehttp/plugin-sdk";
import { certificate, TemporaryDirectory } from "@servehttp/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CommandResult, runCommand } from "./test-rig/command-in-memory.js";
import { pluginPath } from "./test-rig/plugin-path.js";

/** Each mistake ends in one message on standard error and an exit code, with nothing left running. */

let directory: TemporaryDirectory;

beforeAll(async () => {
  directory = await TemporaryDirectory.make();
});

afterAll(() => directory[Symbol.asyncDispose]());

const hello = `hello=${pluginPath("hello")}`;

function run(...commandLine: readonly string[]): Promise<CommandResult> {
  return runCommand([...commandLine, "--log-level", "silent"], { cwd: directory.path });
}

/** Runs with a config of that content. */
async function runWith(name: string, content: string, ...more: readonly string[]) {
  await writeFile(directory.at(name), content);
  return await run("--config", name, "--port", "0", ...more);
}

function refusal(exitCode: 1 | 2, message: string): CommandResult {
  return { exitCode, stdout: "", stderr: `servehttp: ${message}\n` };
}

describe("what is said wrong on the command line ends with exit code 2", () => {
  it.each<[string, readonly string[], string]>([
    ["an unknown option", ["--prot", "1"], "unknown option '--prot' (did you mean --port?)"],
    ["a port that is none", ["--port", "http"], "A port is a number from 0 to 65535."],
    ["a plugin without target", ["--plugin", "notes"], "It has the form id=target"],
    ["two plugins of one id", ["-p", hello, "-p", hello], "There are two plugins of the id hello."],
    ["a log format", ["--log", "xml"], "Allowed choices are pretty, json."],
  ])("%s", async (_what, commandLine, message) => {
    const result = await run(...commandLine);
    expect(result).toMatchObject({ exitCode: 2, stdout: "" });
    expect(result.stderr).toMatch(/^servehttp: [^\n]*; servehttp --help lists what there is\n$/);
    expect(result.stderr).toContain(message);
  });

  it.each<[string, readonly string[], string]>([
    [
      "an id that is not allowed",
      ["--plugin", `a b=${pluginPath("hello")}`],
      'plugins: got "a b", allowed is an id of 1 to 128 letters, digits, "_", "." and "-", neither "." nor ".."',
    ],
    ["a missing file", ["-p", "notes=./none.js"], "--plugin notes: ./none.js: no such file"],
    [
      "a program that is nowhere",
      ["-p", "notes=no-such-program"],
      "--plugin notes: no-such-program: no such file, and no program of that name",
    ],
    [
      "a command line for a shell",
      ["-p", "notes=node a.js | tee log"],
      '--plugin notes: "node a.js | tee log": no shell reads this, so "|" means nothing; use sh -c \'…\' for one',
    ],
    [
      "a listen address",
      ["--listen", "localhost"],
      '--listen: got "localhost", allowed is "host:port", ":port" for every address, "unix:/path" or "fd:N"',
    ],
    [
      "a descriptor that does not listen",
      ["--listen", "fd:1000"],
      "fd:1000: the command was started with no listening socket there",
    ],
    ["a prefix", ["--prefix", "p"], 'prefix: got "p", allowed is'],
    ["a config that is not there", ["--config", "a.json"], "--config a.json: no such file"],
    ["a certificate alone", ["--tls-cert", "c.pem"], "--tls-cert and --tls-key go together"],
    [
      "a certificate that is not there",
      ["--tls-cert", "c.pem", "--tls-key", "k.pem"],
      "--tls-cert c.pem: no such file",
    ],
    [
      "a command",
      ["chekc"],
      "there is no command chekc (did you mean check?); there are serve, check",
    ],
    ["a file in the place of a command", ["."], "a plugin has an id: --plugin"],
  ])("%s", async (_what, commandLine, message) => {
    const result = await run(...commandLine);
    expect(result).toMatchObject({ exitCode: 2, stdout: "" });
    expect(result.stderr).toMatch(/^servehttp: [^\n]*\n$/);
    expect(result.stderr).toContain(message);
  });

  it("a file that is not executable", async () => {
    await writeFile(directory.at("notes.sh"), "#!/bin/sh\n");
    const message =
      "notes.sh: is not executable; chmod +x it, or give the command line that runs it";
    expect(await run("-p", "notes=./notes.sh")).toEqual(refusal(2, `--plugin notes: ./${message}`));
  });

  it("a folder with nothing to run", async () => {
    const result = await run("-p", "notes=.");
    expect(result).toMatchObject({ exitCode: 2, stdout: "" });
    expect(result.stderr).toContain(
      '--plugin notes: .: nothing in this folder says what to run; it needs "main" in its package.json, or a file plugin.ts,',
    );
  });

  it("certificates that are none, or of another key", async () => {
    await writeFile(directory.at("none.pem"), "none");
    const of = (cert: string, key: string) => run("--tls-cert", cert, "--tls-key", key);
    const none = await of("none.pem", "none.pem");
    expect(none).toMatchObject({ exitCode: 2, stdout: "" });
    expect(none.stderr).toContain(
      "--tls-cert none.pem and key none.pem: no certificate and key in PEM",
    );
    const [one, other] = [certificate(), certificate()];
    await writeFile(directory.at("cert.pem"), one.cert);
    await writeFile(directory.at("key.pem"), other.key);
    expect(await of("cert.pem", "key.pem")).toEqual(
      refusal(2, "--tls-cert cert.pem and key key.pem: the key is not the certificate's"),
    );
  });
});

describe("what is wrong in a config ends with exit code 2, and begins with its name", () => {
  it.each<[string, string, string, string]>([
    [
      "an unknown option",
      "a.json",
      '{ "pluigns": {} }',
      "a.json: pluigns: no such option (did you mean plugins?); allowed are ",
    ],
    [
      "an unknown option of a plugin",
      "a.json",
      '{ "plugins": { "a": { "url": "http://h", "protcol": "grpc" } } }',
      "a.json: plugins.a.protcol: no such option (did you mean protocol?); allowed are url, ",
    ],
    [
      "a wrong type",
      "a.json",
      '{ "timeouts": { "headMs": "1s" } }',
      'a.json: timeouts.headMs: got "1s", allowed is a whole number from 0 to 2147483647',
    ],
    [
      "a listen address",
      "a.json",
      '{ "listen": ["localhost"] }',
      'a.json: listen: got an array, allowed is "host:port"',
    ],
    [
      "an identity that there is not",
      "a.json",
      '{ "identity": { "basik": {} } }',
      "a.json: identity: allowed is a function, or an object with one of jwt, basic, forward, proxy (did you mean basic?)",
    ],
    [
      "an option of an identity",
      "a.json",
      '{ "identity": { "jwt": { "jwksURL": "https://a" } } }',
      "a.json: identity.jwt.jwksURL: no such option (did you mean jwksUrl?); allowed are ",
    ],
    [
      "a file of an identity",
      "a.json",
      '{ "identity": { "basic": { "htpasswd": "./none" } } }',
      "a.json: identity.basic",
    ],
    [
      "JSON that is none",
      "a.json",
      '{ "plugins": {}, }',
      "a.json:1:18: no JSON: property name expected",
    ],
    [
      "two plugins of one id",
      "a.json",
      '{ "plugins": { "a": "./a.js",\n "a": "./b.js" } }',
      'a.json:2:2: "a" stands twice',
    ],
    [
      "a missing variable",
      "a.json",
      '{ "plugins": { "a": "${NO_SUCH_VARIABLE}" } }',
      "a.json: plugins.a: the environment variable NO_SUCH_VARIABLE is missing",
    ],
    [
      "a missing file of a plugin",
      "a.json",
      '{ "plugins": { "a": { "target": "./none.js" } } }',
      "a.json: plugin a: ./none.js: no such file",
    ],
    ["an array", "a.json", "[]", "a.json: got an array, allowed is an object with the options"],
    ["a config that throws", "a.ts", '\nthrow new Error("no database");\n', "a.ts:2: no database"],
    [
      "a config with a syntax error",
      "b.ts",
      "export default {\n  plugins: {,\n};\n",
      "b.ts:2: syntax error: Unexpected token",
    ],
    [
      "a config that imports what is not there",
      "c.mjs",
      'import "./none.mjs";\nexport default {};\n',
      "c.mjs: Cannot find module './none.mjs'",
    ],
    [
      "a config without a default export",
      "d.mjs",
      "export const a = 1;\n",
      "d.mjs: a: no such option",
    ],
  ])("%s", async (_what, name, content, message) => {
    const result = await runWith(name, content);
    expect(result).toMatchObject({ exitCode: 2, stdout: "" });
    expect(result.stderr).toMatch(/^servehttp: [^\n]*\n$/);
    expect(result.stderr.slice("servehttp: ".length, -1)).toContain(message);
  });

  it("a plugin that the command line has as well", async () => {
    const content = JSON.stringify({ plugins: { hello: pluginPath("hello") } });
    expect(await runWith("e.json", content, "-p", hello)).toEqual(
      refusal(2, "--plugin hello: the config has a plugin of this id"),
    );
  });
});

describe("what fails ends with exit code 1", () => {
  it("a port in use, with the process that has it", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const result = await run("--plugin", hello, "--port", `${port}`);
    const holder = process.platform === "linux" ? ` by node\\b.* \\(process ${process.pid}\\)` : "";
    expect(result).toMatchObject({ exitCode: 1, stdout: "" });
    expect(result.stderr).toMatch(
      new RegExp(
        `^servehttp: 127.0.0.1:${port} is in use${holder}; port 0 takes one that is free\n$`,
      ),
    );
    other.close();
  });

  it("a unix socket in use, and none that was left behind", async () => {
    const path = directory.at("in-use");
    const other = createServer().listen(path);
    await once(other, "listening");
    const result = await run("--plugin", hello, "--listen", `unix:${path}`);
    expect(result).toMatchObject({ exitCode: 1, stdout: "" });
    expect(result.stderr).toContain(`servehttp: unix:${path} is in use`);
    other.close();
  });

  it("a script with a syntax error, whose line is told", async () => {
    await writeFile(directory.at("broken.mjs"), "const a = 1;\nconst b = ;\n");
    const result = await run("--plugin", "broken=./broken.mjs", "--port", "0");
    expect(result.exitCode).toBe(1);
    expect(result.stdout).toMatch(/^broken {2}FAILED {2}http:/m);
    expect(result.stderr).toMatch(
      /^servehttp: plugin broken does not start: it exited with code 1 before it was ready\n/,
    );
    expect(result.stderr).toContain("broken.mjs:2\n");
    expect(result.stderr).toContain("SyntaxError: Unexpected token ';'");
    expect(result.stderr).not.toMatch(/^ +at /m);
  });

  it("a script that calls no servePlugin", async () => {
    await writeFile(directory.at("idle.mjs"), "export {};\n");
    const result = await run("--plugin", "idle=./idle.mjs", "--port", "0");
    expect(result).toMatchObject({
      exitCode: 1,
      stderr:
        "servehttp: plugin idle does not start: it exited with code 0 before it was ready: it ended without serving; a plugin calls servePlugin (serve_plugin in Python, Serve in Go), and runs until its host ends it\n",
    });
  });

  it("an application in Python whose Python has no SDK, also said by check", async () => {
    await writeFile(directory.at("main.py"), "app = lambda environ, start_response: []\n");
    // Without the packages of the system, too.
    await mkdir(directory.at("venv/bin"), { recursive: true });
    await writeFile(directory.at("venv/bin/python"), '#!/bin/sh\nexec python3 -I -S "$@"\n', {
      mode: 0o755,
    });
    const environment = { ...process.env, VIRTUAL_ENV: directory.at("venv") };
    const plugin = ["--plugin", "notes=main.py"];
    const why =
      /ended without serving; .*; (\S+\/bin\/python) has no package servehttp, .*: \1 -m pip install servehttp\n/;
    const started = await runCommand([...plugin, "--port", "0"], {
      cwd: directory.path,
      environment,
    });
    expect(started.stderr).toMatch(why);
    const checked = await runCommand(["check", ...plugin], { cwd: directory.path, environment });
    expect(checked).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(why) });
  });

  it("a plugin that prints a megabyte and is never ready", async () => {
    await writeFile(
      directory.at("loud.mjs"),
      'process.stderr.write("x".repeat(1_048_576));\nsetInterval(() => {}, 1_000);\n',
    );
    const content = JSON.stringify({ plugins: { loud: "./loud.mjs" }, timeouts: { startMs: 500 } });
    const result = await runWith("loud.json", content);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(
      /^servehttp: plugin loud does not start: it was not ready within 500 ms: it has to listen on SERVEHTTP_ADDRESS/,
    );
    expect(result.stderr.length).toBeLessThan(4_096);
  });

  it("a wrong token, said by check", async () => {
    const address = `unix:${directory.at("plugin")}`;
    const plugin = await servePlugin({ fetch: () => new Response() }, { address, token: "right" });
    const content = JSON.stringify({ plugins: { far: { url: address, token: "wrong" } } });
    await writeFile(directory.at("far.json"), content);
    const result = await runCommand(["check", "--config", "far.json"], { cwd: directory.path });
    expect(result).toMatchObject({ exitCode: 1, stderr: "" });
    expect(result.stdout).toMatch(/^far {5}FAILED {2}the plugin at \S+ refused the token/m);
    const without = await runCommand(["check", "--plugin", `far=${address}`]);
    expect(without.stdout).toMatch(
      /^far {5}FAILED {2}the plugin at \S+ wants a token: set the option token to its SERVEHTTP_TOKEN/m,
    );
    await plugin.close();
  });
});
