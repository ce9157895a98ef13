import { expect, it } from "vitest";
import { pluginEnvironment } from "./plugin-environment.js";

const facts = {
  pluginId: "notes",
  basePath: "/app/plugins/notes",
  address: "unix:/x",
  token: "t",
  hostFd: 3,
};

it("passes on what programs need of the host's environment, and nothing else (O8)", () => {
  const host = {
    PATH: "/bin",
    LC_ALL: "C",
    HOME: "/root",
    AWS_SECRET_ACCESS_KEY: "x",
    DATABASE_URL: "x",
    NODE_OPTIONS: "--inspect",
    LD_PRELOAD: "evil.so",
    SERVEHTTP_TOKEN: "the host's own",
  };
  expect(pluginEnvironment(host, { A: "1", SERVEHTTP_ADDRESS: "unix:/elsewhere" }, facts)).toEqual({
    PATH: "/bin",
    LC_ALL: "C",
    HOME: "/root",
    A: "1",
    SERVEHTTP_PLUGIN_ID: "notes",
    SERVEHTTP_BASE_PATH: "/app/plugins/notes",
    SERVEHTTP_ADDRESS: "unix:/x",
    SERVEHTTP_TOKEN: "t",
    SERVEHTTP_HOST_FD: "3",
  });
});

it("tells how to call other plugins only where it may", () => {
  const calls = { address: "unix:/calls", token: "c" };
  expect(pluginEnvironment({}, {}, { ...facts, calls })).toMatchObject({
    SERVEHTTP_CALLS_ADDRESS: "unix:/calls",
    SERVEHTTP_CALLS_TOKEN: "c",
  });
  expect(Object.keys(pluginEnvironment({}, {}, facts)).join()).not.toContain("CALLS");
});
