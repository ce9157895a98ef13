import { writeFileSync } from "node:fs";
import { Agent, get, type IncomingMessage } from "node:http";
import { TemporaryDirectory } from "@servehttp/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CommandProcess } from "../test-rig/command-process.js";
import { type CommandsTogether, commandsIn } from "../test-rig/commands-together.js";
import { pluginPath } from "../test-rig/plugin-path.js";

let directory: TemporaryDirectory;
let options: CommandsTogether;
beforeEach(async () => {
  directory = await TemporaryDirectory.make();
  options = commandsIn(directory);
});
afterEach(() => directory[Symbol.asyncDispose]());

/** What a request on a kept connection is answered, and whether that stays open. */
async function ask(url: string, agent: Agent): Promise<readonly unknown[]> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { agent }, resolve).once("error", reject);
  });
  response.resume();
  return [response.statusCode, response.headers.connection];
}

async function isReady(admin: string): Promise<boolean> {
  const response = await fetch(`${admin}/readyz`);
  await response.text();
  return response.ok;
}

// Processes start in it, one after the other.
describe("lameDuckMs", { timeout: 120_000 }, () => {
  it.each([1, 2])(
    "serves on while load balancers turn away, with %i processes",
    async (workers) => {
      const admin = { address: "127.0.0.1:0", token: "the-token-of-the-tests", required: [] };
      const plugins = { hello: pluginPath("hello") };
      const config = { plugins, listen: "127.0.0.1:0", admin, workers, lameDuckMs: 3_600_000 };
      writeFileSync(directory.at("servehttp.config.json"), JSON.stringify(config));
      await using command = new CommandProcess([], options);
      const [, adminUrl = ""] = await command.said(/^admin on (http:\S+)$/m);
      const [, url = ""] = await command.said(/^hello {2}READY {3}(\S+)$/m);
      await expect.poll(() => isReady(adminUrl)).toBe(true);
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      expect(await ask(url, agent)).toEqual([200, "keep-alive"]);
      command.child.kill("SIGTERM");
      await expect.poll(() => isReady(adminUrl)).toBe(false);
      // The connection that is there, and new ones.
      await expect.poll(() => ask(url, agent)).toEqual([200, "close"]);
      expect(await ask(url, agent)).toEqual([200, "close"]);
      // A second signal cuts it short.
      command.child.kill("SIGTERM");
      expect(await command.ended).toBe(0);
      agent.destroy();
    },
  );
});
