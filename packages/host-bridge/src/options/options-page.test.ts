import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { z } from "zod";
import { expect, it } from "vitest";
import { edgeSchema } from "../edge/edge-options.js";
import { proxyProtocolSchema } from "../proxy-protocol/accept-proxy-protocol.js";
import { type OptionTable, withOptionTables } from "../test-rig/option-tables.js";
import { hostSchema, pluginSchemas } from "./options.js";

const page = fileURLToPath(new URL("../../../../docs/options.md", import.meta.url));

const options = "../options/options.ts";
const edge = "../edge/edge-options.ts";

const tables: Readonly<Record<string, OptionTable>> = {
  host: { source: options, block: "const hostKeys = {", schema: hostSchema },
  requests: {
    source: options,
    block: "interface Callbacks {",
    schema: hostSchema,
    only: ["identity", "context"],
  },
  command: { source: options, block: "const commandKeys = {", schema: pluginSchemas.command },
  url: { source: options, block: "const urlKeys = {", schema: pluginSchemas.url },
  tls: { source: options, block: "const tlsKeys = {", schema: member(pluginSchemas.url, "tls") },
  handler: {
    source: options,
    block: "interface Callbacks {",
    schema: pluginSchemas.handler,
    only: ["handler"],
  },
  shared: { source: options, block: "const sharedKeys = {", schema: pluginSchemas.command },
  mounts: { source: options, block: "const mountKeys = {", schema: pluginSchemas.command },
  limits: {
    source: options,
    block: "const limitKeys = {",
    schema: member(hostSchema, "limits"),
  },
  timeouts: {
    source: options,
    block: "const timeoutKeys = {",
    schema: member(hostSchema, "timeouts"),
  },
  edge: { source: edge, block: "const edgeKeys = {", schema: edgeSchema },
  strip: { source: edge, block: "const stripKeys = {", schema: member(edgeSchema, "strip") },
  attach: { source: "../server/attach.ts", block: "export interface AttachOptions {" },
  acceptProxyProtocol: {
    source: "../proxy-protocol/accept-proxy-protocol.ts",
    block: "const proxyProtocolKeys = {",
    schema: proxyProtocolSchema,
  },
  servePlugin: {
    source: "../../../plugin-sdk/src/serve/serve-plugin.ts",
    block: "export interface ServePluginOptions {",
  },
};

it("says in docs/options.md what the schemas and docstrings say (npm run generate writes it)", async () => {
  const text = readFileSync(page, "utf8");
  await expect(withOptionTables(text, tables)).toMatchFileSnapshot(page);
});

function member(schema: z.ZodType, name: string): z.ZodType {
  return (schema as unknown as z.ZodObject).shape[name] as z.ZodType;
}
