import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PluginHost } from "@servehttp/host-bridge";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OurHost } from "../our-host.js";
import { TemporaryDirectory } from "@servehttp/testkit";
import { Call } from "../call.js";
import { runCommand, servePluginOf } from "../command-process.js";
import { endWithHost } from "../end-with-host.js";
import { checkedByKit, kitTimeoutMs } from "../checked-by-kit.js";
import { itCallsPlugins, itServesEverything } from "../engines/it-serves-everything.js";
import { itSpeaksMutualTls } from "../it-speaks-mutual-tls.js";
import { repositoryRoot } from "../repository-root.js";
import { toolOutput } from "../tool-output.js";
import { buildGoSdk, type GoApp, reasonWithoutGoSdk, withFrameworks } from "./build-go-sdk.js";
import { buildDocumentedPlugin } from "./documented-plugin.js";
import { itAnswersAsDirect } from "./go-apps-as-direct.js";
import { type ServedDirectly, serveDirectly } from "./served-directly.js";

const leftOut = await reasonWithoutGoSdk();
if (leftOut !== undefined) {
  console.log(`the Go SDK is left out: ${leftOut}`);
}
const carriers = leftOut === undefined ? (["stream", "mux"] as const) : [];
const frameworks: readonly GoApp[] = withFrameworks
  ? ["chi", "echo", "gin", "proxy"]
  : ["chi", "proxy"];

const sdk = `${repositoryRoot}sdks/go`;

let directory: string;
let program: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "servehttp-go-"));
  program = leftOut === undefined ? await buildGoSdk(directory) : "";
});

afterAll(() => rm(directory, { recursive: true }));

describe.skipIf(leftOut !== undefined)("a plugin on the Go SDK in a container", () => {
  itSpeaksMutualTls(() => [program, "everything"]);
});

describe.each(carriers)("plugins on the Go SDK, on the %s carrier", (carrier) => {
  let host: PluginHost;
  let ours: OurHost;
  const originOf = (app: GoApp) => ours.originOf(app);

  beforeAll(async () => {
    const apps: readonly GoApp[] = ["everything", ...frameworks];
    ours = await OurHost.start(
      Object.fromEntries(
        apps.map((app) => [
          app,
          { command: [program, app], carrier, mayCall: ["everything", "chi"] },
        ]),
      ),
    );
    ({ host } = ours);
  });

  afterAll(() => ours[Symbol.asyncDispose]());

  it("run on that carrier", async () => {
    expect(host.plugins).toEqual(
      host.plugins.map(() => expect.objectContaining({ state: "ready", carrier })),
    );
    expect(await (await fetch(`${originOf("everything")}/engine`)).text()).toMatch(/^go1\./);
  });

  itServesEverything(() => originOf("everything"));

  itCallsPlugins(() => originOf("everything"), "everything");

  it("call other plugins, as far as their host allows", async () => {
    const allowed = await fetch(`${originOf("everything")}/ask/chi/hello/ada`);
    expect(await allowed.text()).toBe('{"text":"hello, ada"}');
    const refused = await fetch(`${originOf("everything")}/ask/proxy/hello/ada`);
    expect([refused.status, await refused.text()]).toEqual([403, "call-refused\n"]);
  });

  it("are replaced by a new process when they are reloaded", async () => {
    const pidOf = () => host.plugins.find(({ id }) => id === "everything")?.pid;
    const pid = pidOf();
    await host.reload("everything");
    expect(host.plugins[0]).toMatchObject({ state: "ready", restarts: 0 });
    expect(pidOf()).not.toBe(pid);
    expect((await fetch(`${originOf("everything")}/engine`)).status).toBe(200);
  });

  describe.each(frameworks)("%s as it is", (app) => {
    let direct: ServedDirectly;

    beforeAll(async () => {
      direct = await serveDirectly(program, app);
    });

    afterAll(() => direct[Symbol.asyncDispose]());

    itAnswersAsDirect(
      app,
      () => originOf(app),
      () => direct.origin,
    );
  });

  it("break a transfer off that httputil.ReverseProxy could not finish", async () => {
    const call = new Call(`${originOf("proxy")}/broken-off`);
    call.end();
    await expect(call.result()).rejects.toMatchObject({ code: "ECONNRESET" });
  });
});

it.skipIf(leftOut !== undefined)(
  "a plugin on the Go SDK passes the conformance kit",
  { timeout: kitTimeoutMs },
  async () => {
    const known = `${repositoryRoot}sdks/go/compat/kit-known-failures.txt`;
    const report = await checkedByKit(`"${program}" kit`, "--known-failures", known);
    expect(report).toMatch(/^1\d\d passed, 0 failed, 1 failed as known, 0 fixed/m);
  },
);

it.skipIf(leftOut !== undefined)("the plugin of docs/go.md answers", async () => {
  const command = [await buildDocumentedPlugin(directory)];
  await using ours = await OurHost.start({ notes: { command } });
  const response = await fetch(`${ours.originOf("notes")}/hello`);
  expect(await response.text()).toBe("hello from /hello\n");
  expect(ours.host.plugins).toMatchObject([{ state: "ready", carrier: "mux" }]);
});

it.skipIf(leftOut !== undefined)("a plugin on the Go SDK ends with its host", async () => {
  expect(await endWithHost([program, "everything"])).toEqual({ exit: [1, null], files: [] });
});

it.runIf(leftOut === undefined)(
  "the servehttp command serves a new plugin of the template go, whose tests pass",
  async () => {
    await using folder = await TemporaryDirectory.make();
    expect(await runCommand(["init", "notes", "-t", "go", "--no-install"], folder.path)).toBe(0);
    const cwd = folder.at("notes");
    const go = (...args: string[]) => toolOutput("go", args, { cwd, timeoutMs: 200_000 });
    const module = (await toolOutput("go", ["list", "-m"], { cwd: sdk })).trim();
    await go("mod", "edit", `-replace=${module}=${sdk}`);
    await go("mod", "tidy");
    await go("build", "-o", "plugin", ".");
    await go("test", ".");
    await using command = await servePluginOf("./notes", folder.path);
    expect(await (await fetch(command.pluginUrl)).text()).toContain("<h1>Hello from notes</h1>");
    expect((await fetch(`${command.pluginUrl}nothing`)).status).toBe(404);
  },
);
