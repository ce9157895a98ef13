import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { expect, it } from "vitest";
import { repositoryRoot } from "./repository-root.js";

it("serves what the README's plugin and host say", async () => {
  const readme = await readFile(`${repositoryRoot}README.md`, "utf8");
  const [plugin, host] = Array.from(readme.matchAll(/^```js\n(.*?)^```/gms), ([, code]) => code);
  // Inside the repository, where the packages are found.
  await mkdir(`${repositoryRoot}interop/dist`, { recursive: true });
  const directory = await mkdtemp(`${repositoryRoot}interop/dist/readme-`);
  await writeFile(join(directory, "notes.js"), plugin ?? "");
  await writeFile(join(directory, "host.js"), `${userOf}${host?.replace("listen(8080)", anyPort)}`);

  const hostProcess = spawn(process.execPath, ["host.js"], { cwd: directory });
  try {
    const notes = `http://127.0.0.1:${await portOf(hostProcess.stdout)}/plugins/notes`;
    const put = await fetch(`${notes}/shopping`, { method: "PUT", body: "milk" });
    expect([put.status, await put.text()]).toEqual([200, "milk"]);
    const get = await fetch(`${notes}/shopping`);
    expect([get.status, await get.text()]).toEqual([200, "milk"]);
    expect((await fetch(`${notes}/none`)).status).toBe(404);
  } finally {
    const exited = once(hostProcess, "exit");
    hostProcess.kill();
    await exited;
    await rm(directory, { recursive: true });
  }
});

const userOf = `const userOf = () => "ann";\n`;
const anyPort = `listen(0, function () { console.log("port " + this.address().port); })`;

async function portOf(output: Readable): Promise<string> {
  let text = "";
  for await (const chunk of output.iterator({ destroyOnReturn: false })) {
    text += chunk;
    const port = /^port (\d+)$/m.exec(text)?.[1];
    if (port !== undefined) {
      return port;
    }
  }
  throw new Error(`the host ended without a port: ${text}`);
}
