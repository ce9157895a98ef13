import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, constants } from "node:http2";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engineHost, enginePlugin } from "./engine-scripts.js";
import { engines, node } from "./engines.js";
import { itCallsPlugins, itServesEverything } from "./it-serves-everything.js";

describe.each(
  engines.flatMap((engine) =>
    (["stream", "mux"] as const).map((carrier) => ({ ...engine, carrier })),
  ),
)("a host on $name, on the $carrier carrier", ({ command, env, carrier }) => {
  let host: RunningEngineHost;

  beforeAll(async () => {
    host = await startHost([...command, engineHost, carrier], env);
  });

  afterAll(() => {
    host.process.kill("SIGKILL");
  });

  it("answers itself for what is no plugin", async () => {
    expect((await fetch(`http://127.0.0.1:${host.port}/plugins/none`)).status).toBe(404);
  });

  itServesEverything(() => `http://127.0.0.1:${host.port}/plugins/engine`);

  itCallsPlugins(() => `http://127.0.0.1:${host.port}/plugins/engine`, "engine");

  it("breaks a response of HTTP/2 whose handler fails halfway", async () => {
    const session = connect(`http://127.0.0.1:${host.http2Port}`);
    try {
      const stream = session.request({ ":path": "/plugins/engine/broken" });
      const [chunk] = await once(stream, "data");
      expect(String(chunk)).toBe("half of it");
      const ended = once(stream, "end");
      await fetch(`http://127.0.0.1:${host.port}/plugins/engine/break`);
      await expect(ended).rejects.toMatchObject({ code: "ERR_HTTP2_STREAM_ERROR" });
      expect(stream.rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR);
    } finally {
      session.destroy();
    }
  });

  it("stops its plugin on SIGTERM, and ends", async () => {
    const exited = once(host.process, "exit");
    host.process.kill("SIGTERM");
    expect(await exited).toEqual([0, null]);
    expect(() => process.kill(host.pluginPid, 0)).toThrow("ESRCH");
  });

  it("takes its plugin along when it is killed", async () => {
    const killed = await startHost([...command, engineHost, carrier], env);
    const exited = once(killed.process, "exit");
    killed.process.kill("SIGKILL");
    await exited;
    await expect.poll(() => isRunning(killed.pluginPid), { timeout: 15_000 }).toBe(false);
  });
});

interface RunningEngineHost {
  readonly process: ChildProcess;
  readonly port: number;
  readonly http2Port: number;
  readonly pluginPid: number;
}

/** Starts a host whose plugin runs on Node; resolves when both are ready. */
async function startHost(
  [program = "", ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<RunningEngineHost> {
  const child = spawn(program, [...args, ...node.command, enginePlugin], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  return { process: child, ...JSON.parse(line) };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
