import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { TemporaryDirectory, until } from "@servehttp/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PluginReload } from "./plugin-reloads.js";
import { pluginFiles, watchPlugins } from "./watch-plugins.js";

let directory: TemporaryDirectory;
beforeEach(async () => {
  directory = await TemporaryDirectory.make();
  mkdirSync(directory.at("notes/lib"), { recursive: true });
  mkdirSync(directory.at("notes/node_modules/x"), { recursive: true });
  mkdirSync(directory.at(".hidden"));
  writeFileSync(directory.at("notes/main.js"), "1");
  writeFileSync(directory.at(".hidden/main.py"), "1");
});
afterEach(() => directory[Symbol.asyncDispose]());

async function watched() {
  const told: PluginReload[] = [];
  const asked: string[] = [];
  const host = {
    reload: async (id: string, { until: when }: { readonly until: string }) => {
      asked.push(`${id} ${when}`);
    },
  };
  const watch = await watchPlugins(host, {
    files: { notes: [directory.at("notes")], hidden: [directory.at(".hidden/main.py")] },
    settleMs: 10,
    onReload: (reload) => told.push(reload),
  });
  return { told, asked, watch, [Symbol.asyncDispose]: () => watch.close() };
}

describe("watchPlugins", () => {
  it("reloads the plugin whose program changes, also where an editor puts a new file in place", async () => {
    await using all = await watched();
    writeFileSync(directory.at("notes/lib/new.mjs"), "1");
    await until(() => all.told.length === 1, "the reload");
    writeFileSync(directory.at("notes/main.js.tmp"), "2");
    renameSync(directory.at("notes/main.js.tmp"), directory.at("notes/main.js"));
    await until(() => all.told.length === 2, "the second reload");
    writeFileSync(directory.at(".hidden/main.py"), "2");
    await until(() => all.told.length === 3, "the reload of the other");
    expect(all.asked).toEqual(["notes ready", "notes ready", "hidden ready"]);
    expect(all.told.map(({ files }) => files)).toEqual([
      [directory.at("notes/lib/new.mjs")],
      [directory.at("notes/main.js")],
      [directory.at(".hidden/main.py")],
    ]);
  });

  it("takes no notice of data, of other people's code, and of anything once it is closed", async () => {
    const all = await watched();
    writeFileSync(directory.at("notes/notes.db"), "1");
    writeFileSync(directory.at("notes/data.json"), "1");
    writeFileSync(directory.at("notes/node_modules/x/index.js"), "1");
    mkdirSync(directory.at("notes/.cache"));
    writeFileSync(directory.at("notes/.cache/a.js"), "1");
    writeFileSync(directory.at("notes/last.js"), "1");
    await until(() => all.told.length > 0, "the reload");
    expect(all.told.map(({ files }) => files)).toEqual([[directory.at("notes/last.js")]]);
    await all.watch.close();
    writeFileSync(directory.at("notes/main.js"), "3");
    expect(all.told).toHaveLength(1);
  });
});

describe("pluginFiles", () => {
  it("names the folder of a command's script, its working directory, or the program", () => {
    const script = directory.at("notes/main.js");
    expect(pluginFiles({ command: ["node", "--enable-source-maps", script] })).toEqual([
      directory.at("notes"),
    ]);
    expect(pluginFiles({ command: ["node", "main.js"], cwd: directory.at("notes") })).toEqual([
      directory.at("notes"),
    ]);
    expect(pluginFiles({ command: ["npm", "start"], cwd: "/srv" })).toEqual(["/srv"]);
    expect(pluginFiles({ command: [script] })).toEqual([script]);
    expect(pluginFiles({ command: ["some-program", "--listen"] })).toEqual([]);
    expect(pluginFiles({ url: "http://10.0.0.7:50051" })).toEqual([]);
  });
});
