import { writeFile } from "node:fs/promises";
import { TemporaryDirectory } from "@servehttp/testkit";
import { expect, it } from "vitest";
import { CommandInMemory } from "../test-rig/command-in-memory.js";
import { pluginPath } from "../test-rig/plugin-path.js";

it("lets the app of a config answer what is not for a plugin, and survives it", async () => {
  await using directory = await TemporaryDirectory.make();
  await writeFile(
    directory.at("servehttp.config.ts"),
    `import { defineConfig } from "servehttp";

    export default defineConfig({
      listen: "127.0.0.1:0",
      plugins: { hello: ${JSON.stringify(pluginPath("hello"))} },
      async app(request, response, host): Promise<void> {
        if (request.url === "/late") {
          response.write("a");
        }
        if (request.url !== "/") {
          throw new Error("no such page");
        }
        response.end(host.plugins.map(({ id, state }) => id + " is " + state).join());
      },
    });`,
  );
  await using command = new CommandInMemory([], { cwd: directory.path });
  const [, address = ""] = await command.said(/^hello {2}READY {3}(\S+)$/m);
  const at = (path: string) => fetch(new URL(path, address));
  expect(await (await at("/")).text()).toBe("hello is ready");
  expect((await at("/broken")).status).toBe(500);
  await expect(at("/late").then((response) => response.text())).rejects.toThrow("terminated");
  expect(await (await at("/plugins/hello/x")).text()).toContain("hello from /plugins/hello");
});
