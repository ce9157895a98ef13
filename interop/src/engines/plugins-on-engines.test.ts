import type { PluginHost } from "@servehttp/host-bridge";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OurHost } from "../our-host.js";
import { endWithHost } from "../end-with-host.js";
import { engines } from "./engines.js";
import { enginePlugin } from "./engine-scripts.js";
import { itCallsPlugins, itServesEverything } from "./it-serves-everything.js";

describe.each(
  engines.flatMap((engine) =>
    (["stream", "mux"] as const).map((carrier) => ({ ...engine, carrier })),
  ),
)("a plugin on $name, on the $carrier carrier", ({ name, command, env, carrier }) => {
  let host: PluginHost;
  let ours: OurHost;
  let origin: string;

  beforeAll(async () => {
    ours = await OurHost.start({
      engine: { command: [...command, enginePlugin], env, carrier, mayCall: ["engine"] },
    });
    ({ host } = ours);
    origin = ours.originOf("engine");
  });

  afterAll(() => ours[Symbol.asyncDispose]());

  it("runs on that engine and carrier", async () => {
    expect(host.plugins).toMatchObject([{ state: "ready", carrier }]);
    expect(await (await fetch(`${origin}/engine`)).text()).toMatch(new RegExp(`^${name} \\d`));
  });

  itServesEverything(() => origin);

  itCallsPlugins(() => origin, "engine");

  it("is replaced by a new process when it is reloaded", async () => {
    const { pid } = host.plugins[0] ?? {};
    await host.reload("engine");
    expect(host.plugins).toMatchObject([{ state: "ready", restarts: 0 }]);
    expect(host.plugins[0]?.pid).not.toBe(pid);
    expect((await fetch(`${origin}/engine`)).status).toBe(200);
  });
});

it.each(engines)("a plugin on $name ends with its host", async ({ command, env }) => {
  expect(await endWithHost([...command, enginePlugin], env)).toEqual({
    exit: [1, null],
    files: [],
  });
});
