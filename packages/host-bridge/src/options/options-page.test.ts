import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { z } from "zod";
import { expect, it } from "vitest";
import { edgeSchema } from "../edge/edge-options.js";
import { proxyProtocolSchema } from "../proxy-protocol/accept-proxy-protocol.js";
import { type OptionTable, withOptionTables } from "../test-rig/option-tables.js";
import { basicSchema } from "../identity/basic-identity.js";
import { forwardSchema } from "../identity/forward-auth.js";
import { jwtSchema } from "../identity/jwt-identity.js";
import { proxySchema } from "../identity/proxy-identity.js";
import {
  affinitySchema,
  balanceSchema,
  outlierSchema,
  slowStartSchema,
} from "./balance-options.js";
import { instanceAddressSchema } from "./instance-address.js";
import { accessLogSchema, hostSchema, pluginSchemas } from "./options.js";

const page = fileURLToPath(new URL("../../../../docs/options.md", import.meta.url));

const options = "../options/options.ts";
const edge = "../edge/edge-options.ts";
const balance = "../options/balance-options.ts";

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
  discover: {
    source: options,
    block: "interface Callbacks {",
    schema: pluginSchemas.discover,
    only: ["discover"],
  },
  instanceAddress: {
    source: "../options/instance-address.ts",
    block: "const addressKeys = {",
    schema: instanceAddressSchema,
  },
  address: { source: options, block: "const addressKeys = {", schema: pluginSchemas.url },
  tls: { source: options, block: "const tlsKeys = {", schema: member(pluginSchemas.url, "tls") },
  handler: {
    source: options,
    block: "interface Callbacks {",
    schema: pluginSchemas.handler,
    only: ["handler"],
  },
  shared: { source: options, block: "const sharedKeys = {", schema: pluginSchemas.command },
  balance: { source: balance, block: "const balanceKeys = {", schema: balanceSchema },
  affinity: { source: balance, block: "const affinityKeys = {", schema: affinitySchema },
  slowStart: { source: balance, block: "const slowStartKeys = {", schema: slowStartSchema },
  outliers: { source: balance, block: "const outlierKeys = {", schema: outlierSchema },
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
  accessLog: { source: options, block: "const accessLogKeys = {", schema: accessLogSchema },
  development: {
    source: options,
    block: "const developmentKeys = {",
    schema: member(hostSchema, "development"),
  },
  jwtIdentity: {
    source: "../identity/jwt-identity.ts",
    block: "const jwtKeys = {",
    schema: jwtSchema,
  },
  basicIdentity: {
    source: "../identity/basic-identity.ts",
    block: "const basicKeys = {",
    schema: basicSchema,
  },
  forwardAuth: {
    source: "../identity/forward-auth.ts",
    block: "const forwardKeys = {",
    schema: forwardSchema,
  },
  proxyIdentity: {
    source: "../identity/proxy-identity.ts",
    block: "const proxyKeys = {",
    schema: proxySchema,
  },
  watch: { source: "../watch/watch-plugins.ts", block: "export interface WatchOptions {" },
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
  pluginTls: {
    source: "../../../plugin-sdk/src/serve/plugin-tls-options.ts",
    block: "export interface PluginTlsOptions extends TlsOptions {",
  },
};

it("says in docs/options.md what the schemas and docstrings say (npm run generate writes it)", async () => {
  const text = readFileSync(page, "utf8");
  await expect(withOptionTables(text, tables)).toMatchFileSnapshot(page);
});

function member(schema: z.ZodType, name: string): z.ZodType {
  return (schema as unknown as z.ZodObject).shape[name] as z.ZodType;
}
