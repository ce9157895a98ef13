import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { sdkVersion } from "../tracing/sdk-version.js";
import { sdkSoftware } from "./sdk-software.js";

it("names the version that is published", () => {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  expect(JSON.parse(text)).toMatchObject({ version: sdkVersion });
});

it.each([
  [{ node: "24.1.0", v8: "13" }, "node/24.1.0"],
  [{ node: "24.1.0", bun: "1.4.0" }, "bun/1.4.0"],
  [{ node: "24.1.0", deno: "2.9.0" }, "deno/2.9.0"],
  [{}, "node/unknown"],
])("names the engine behind it: %j", (versions, engine) => {
  expect(sdkSoftware(versions)).toBe(`servehttp-plugin-sdk/${sdkVersion} ${engine}`);
});

it("names the engine that runs it by default", () => {
  expect(sdkSoftware()).toContain(` node/${process.versions.node}`);
});
