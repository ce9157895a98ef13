import { mkdir, writeFile } from "node:fs/promises";
import type { HostOptions } from "@servehttp/host-bridge";
import { TemporaryDirectory } from "@servehttp/testkit";
import { expect, it } from "vitest";
import { discoverServices } from "./discover-services.js";

const notes = { url: "http://10.0.0.7:50051" };
const search = { url: "kubernetes:///search.plugins:grpc", carrier: "mux" } as const;

function discoverOf({ plugins }: HostOptions): (() => unknown) | undefined {
  return (plugins?.["search"] as { discover?: () => unknown } | undefined)?.discover;
}

it("has plugins at kubernetes: URLs discovered, and leaves all others as they are", async () => {
  const { plugins } = await discoverServices({ plugins: { notes, search } }, "/");
  expect(plugins?.["notes"]).toBe(notes);
  expect(plugins?.["search"]).toEqual({ carrier: "mux", discover: expect.any(Function) });
});

it("gives a plugin that is read again the same function, so that nothing of it changes", async () => {
  const first = await discoverServices({ plugins: { search } }, "/");
  expect(await discoverServices({ plugins: { search } }, "/")).toEqual(first);
  const tls = { ca: "PEM" };
  const secure = await discoverServices({ plugins: { search: { ...search, tls } } }, "/");
  const other = await discoverServices(
    { plugins: { search: { url: "kubernetes:///search" } } },
    "/",
  );
  const discovers = [first, secure, other].map(discoverOf);
  expect(new Set(discovers).size).toBe(3);
});

it("says which URL is wrong, and how to write it", async () => {
  const plugins = { search: { url: "kubernetes://search:50051" } };
  await expect(discoverServices({ plugins }, "/")).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(/^plugins\.search\.url: "kubernetes:\/\/search:50051" names no/),
  });
});

it("says what to install, and needs nothing where no URL asks for it", async () => {
  const none = "@servehttp/none-such";
  await expect(discoverServices({ plugins: { search } }, "/", none)).rejects.toMatchObject({
    exitCode: 2,
    message:
      "plugins.search.url: kubernetes:///search.plugins:grpc needs a package that is not installed: " +
      "npm install @servehttp/none-such",
  });
  const plugins = { notes };
  expect(await discoverServices({ plugins }, "/", none)).toEqual({ plugins });
  expect(await discoverServices({}, "/", none)).toEqual({});
});

it("finds the package beside the config, where the command is installed elsewhere", async () => {
  await using directory = await TemporaryDirectory.make();
  const installed = directory.at("node_modules/beside-the-config");
  await mkdir(installed, { recursive: true });
  const exported = { ".": { types: "./index.d.ts", default: "./index.js" } };
  await writeFile(
    `${installed}/package.json`,
    JSON.stringify({ type: "module", exports: exported }),
  );
  await writeFile(
    `${installed}/index.js`,
    `export const readServiceUrl = (url) => ({ service: url });
     export const serviceInstances = (options) => () => options;`,
  );
  const url = "kubernetes:///beside";
  const found = await discoverServices(
    { plugins: { search: { url } } },
    directory.path,
    "beside-the-config",
  );
  expect(discoverOf(found)?.()).toEqual({ service: url, scheme: "http" });
});
