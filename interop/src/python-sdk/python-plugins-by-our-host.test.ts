import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PluginHost } from "@servehttp/host-bridge";
import { TemporaryDirectory } from "@servehttp/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OurHost } from "../our-host.js";
import { itServesEverything } from "../engines/it-serves-everything.js";
import { endWithHost } from "../end-with-host.js";
import { checkedByKit, kitTimeoutMs } from "../checked-by-kit.js";
import { itSpeaksMutualTls } from "../it-speaks-mutual-tls.js";
import { repositoryRoot } from "../repository-root.js";
import { toolOutput } from "../tool-output.js";
import { runCommand, servePluginOf } from "../command-process.js";
import { preparePythonSdk } from "./prepare-python-sdk.js";

const plugin = `${repositoryRoot}sdks/python/tests/everything_plugin.py`;
const kitPlugin = `${repositoryRoot}sdks/python/tests/kit_plugin.py`;

let directory: string;
let python: string;
let documentedTarget: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "servehttp-python-"));
  ({ python, target: documentedTarget } = await preparePythonSdk(directory));
});

afterAll(() => rm(directory, { recursive: true }));

describe.each(["stream", "mux"] as const)(
  "a plugin on the Python SDK, on the %s carrier",
  (carrier) => {
    let host: PluginHost;
    let ours: OurHost;
    let origin: string;

    beforeAll(async () => {
      ours = await OurHost.start({ example: { command: [python, plugin], carrier } });
      ({ host } = ours);
      origin = ours.originOf("example");
    });

    afterAll(() => ours[Symbol.asyncDispose]());

    it("runs on that carrier", async () => {
      expect(host.plugins).toMatchObject([{ state: "ready", carrier }]);
      expect(await (await fetch(`${origin}/engine`)).text()).toMatch(/^python 3\.\d/);
    });

    itServesEverything(() => origin);

    it("is replaced by a new process when it is reloaded", async () => {
      const { pid } = host.plugins[0] ?? {};
      await host.reload("example");
      expect(host.plugins).toMatchObject([{ state: "ready", restarts: 0 }]);
      expect(host.plugins[0]?.pid).not.toBe(pid);
      expect((await fetch(`${origin}/engine`)).status).toBe(200);
    });
  },
);

describe("a plugin on the Python SDK in a container", () => {
  itSpeaksMutualTls(() => [python, plugin]);
});

it("a plugin on the Python SDK passes the conformance kit", { timeout: kitTimeoutMs }, async () => {
  const report = await checkedByKit(`"${python}" "${kitPlugin}"`);
  expect(report).toMatch(/^1\d\d passed, 0 failed, 0 failed as known/m);
});

describe("the servehttp command", () => {
  it("goes from an empty folder to a page of FastAPI, as the README says", async () => {
    await using command = await servePluginOf(documentedTarget, directory);
    expect(await (await fetch(`${command.pluginUrl}hello`)).json()).toEqual({ hello: "world" });
    const page = await (await fetch(`${command.pluginUrl}docs`)).text();
    expect(page).toContain("url: '/plugins/notes/openapi.json'");
  });

  it("serves a new plugin of the template python, whose test passes", async () => {
    await using folder = await TemporaryDirectory.make();
    const made = await runCommand(["init", "notes", "-t", "python", "--no-install"], folder.path);
    expect(made).toBe(0);
    await symlink(join(directory, ".venv"), folder.at("notes/.venv"));
    await using command = await servePluginOf("./notes", folder.path);
    const page = await fetch(command.pluginUrl);
    expect(await page.text()).toContain("<h1>Hello from notes</h1>");
    expect((await fetch(`${command.pluginUrl}nothing`)).status).toBe(404);
    await toolOutput(python, ["-m", "unittest"], { cwd: folder.at("notes") });
  });

  it("serves the application that is in a file", async () => {
    await using folder = await TemporaryDirectory.make();
    await writeFile(
      folder.at("main.py"),
      'def application(environ, start_response):\n    start_response("200 OK", [])\n    return [b"wsgi"]\n',
    );
    const env = { VIRTUAL_ENV: join(directory, ".venv") };
    await using command = await servePluginOf("main.py", folder.path, env);
    expect(await (await fetch(command.pluginUrl)).text()).toBe("wsgi");
  });
});

it("a plugin on the Python SDK ends with its host", async () => {
  expect(await endWithHost([python, plugin])).toEqual({ exit: [1, null], files: [] });
});
