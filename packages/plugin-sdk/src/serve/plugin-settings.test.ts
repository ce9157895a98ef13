import { expect, it } from "vitest";
import { readPluginSettings, takeHostVariables } from "./plugin-settings.js";

const at7 = { host: "127.0.0.1", port: 7 };

it.each([
  ["an option", { address: "127.0.0.1:7" }, { SERVEHTTP_ADDRESS: "127.0.0.1:8" }, []],
  ["the environment", {}, { SERVEHTTP_ADDRESS: "127.0.0.1:7" }, ["--listen", "127.0.0.1:8"]],
  ["the command line", {}, {}, ["--verbose", "--listen", "127.0.0.1:7", "--other"]],
  ["the command line, in one argument", {}, {}, ["--listen=127.0.0.1:7"]],
  ["the command line", {}, { SERVEHTTP_ADDRESS: "" }, ["--listen", "127.0.0.1:7"]],
])("takes the address from %s", (_name, options, environment, given) => {
  const settings = readPluginSettings(options, environment, ["node", "plugin.js", ...given]);
  expect(settings).toEqual({ address: at7, token: undefined, id: undefined, drainMs: 10_000 });
});

it.each([[[]], [["--listen"]], [["--listen", ""]], [["--listen="]], [["--listening", "x"]]])(
  "says how to give an address where there is none: %j",
  (given) => {
    expect(() => readPluginSettings({}, {}, ["node", "notes.js", ...given])).toThrow(
      "This is a servehttp plugin: let a host start it, or run it by hand as: node notes.js --listen 127.0.0.1:50051",
    );
  },
);

it("removes from the environment what a host has set, and nothing else (L7)", () => {
  const environment = {
    PATH: "/bin",
    SERVEHTTP_ADDRESS: "unix:/s",
    SERVEHTTP_TOKEN: "secret",
    SERVEHTTP_PLUGIN_ID: "notes",
    SERVEHTTP_HOST_FD: "3",
    SERVEHTTP_CALLS_ADDRESS: "unix:/calls",
    SERVEHTTP_CALLS_TOKEN: "calls",
    SERVEHTTP_TLS_CERT_FILE: "/tls/tls.crt",
    SERVEHTTP_OF_THE_APPLICATION: "1",
  };
  const taken = takeHostVariables(environment);
  expect(taken).toEqual({
    SERVEHTTP_ADDRESS: "unix:/s",
    SERVEHTTP_TOKEN: "secret",
    SERVEHTTP_PLUGIN_ID: "notes",
    SERVEHTTP_HOST_FD: "3",
    SERVEHTTP_CALLS_ADDRESS: "unix:/calls",
    SERVEHTTP_CALLS_TOKEN: "calls",
    SERVEHTTP_TLS_CERT_FILE: "/tls/tls.crt",
  });
  expect(environment).toEqual({ PATH: "/bin", SERVEHTTP_OF_THE_APPLICATION: "1" });
  expect(Object.values(takeHostVariables(environment))).toEqual(Array(10).fill(undefined));
});

it("takes an empty id for none, and an empty token for a mistake", () => {
  const environment = { SERVEHTTP_ADDRESS: "127.0.0.1:7", SERVEHTTP_PLUGIN_ID: "" };
  expect(readPluginSettings({}, environment, []).id).toBeUndefined();
  expect(() => readPluginSettings({}, { ...environment, SERVEHTTP_TOKEN: "" }, [])).toThrow(
    "the token must be visible ASCII characters",
  );
});

it("calls by what a host has told it, and not at all where that is not whole", () => {
  const told = {
    SERVEHTTP_ADDRESS: "unix:/run/notes.sock",
    SERVEHTTP_CALLS_ADDRESS: "unix:/calls",
    SERVEHTTP_CALLS_TOKEN: "calls",
  };
  expect(readPluginSettings({}, told, []).calls).toEqual({
    address: { path: "/calls" },
    token: "calls",
  });
  const noToken = { ...told, SERVEHTTP_CALLS_TOKEN: undefined };
  expect(readPluginSettings({}, noToken, []).calls).toBeUndefined();
});
