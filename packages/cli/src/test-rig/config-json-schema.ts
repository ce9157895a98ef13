import { readFileSync } from "node:fs";
import { identitySchemas } from "@servehttp/host-bridge/identity";
import { hostSchema, pluginSchemas } from "@servehttp/host-bridge/options";
import { docstringsOf } from "@servehttp/testkit";
import { z } from "zod";
import { commandSchema } from "../config/config.js";

interface JsonSchema {
  [name: string]: unknown;
  properties?: Record<string, JsonSchema>;
}

const hostOptions = new URL("../../../host-bridge/src/options/options.ts", import.meta.url);
const edgeOptions = new URL("../../../host-bridge/src/edge/edge-options.ts", import.meta.url);
const commandOptions = new URL("../config/config.ts", import.meta.url);

const identity = (name: string) =>
  new URL(`../../../host-bridge/src/identity/${name}.ts`, import.meta.url);

/** Where the docstrings of each object's members are, by the name of the option that it is. */
const blocks: Readonly<Record<string, readonly (readonly [URL, string])[]>> = {
  "": [
    [hostOptions, "const hostKeys = {"],
    [commandOptions, "const commandKeys = {"],
  ],
  plugin: [
    [hostOptions, "const mountKeys = {"],
    [hostOptions, "const sharedKeys = {"],
    [hostOptions, "const commandKeys = {"],
    [hostOptions, "const urlKeys = {"],
    [hostOptions, "const addressKeys = {"],
    [commandOptions, "export interface TargetPluginOptions"],
  ],
  limits: [[hostOptions, "const limitKeys = {"]],
  timeouts: [[hostOptions, "const timeoutKeys = {"]],
  basic: [[identity("basic-identity"), "const basicKeys = {"]],
  forward: [[identity("forward-auth"), "const forwardKeys = {"]],
  jwt: [[identity("jwt-identity"), "const jwtKeys = {"]],
  proxy: [[identity("proxy-identity"), "const proxyKeys = {"]],
  watch: [[commandOptions, "const watchKeys = {"]],
  accessLog: [[hostOptions, "const accessLogKeys = {"]],
  development: [[hostOptions, "const developmentKeys = {"]],
  edge: [[edgeOptions, "const edgeKeys = {"]],
  strip: [[edgeOptions, "const stripKeys = {"]],
  "plugin.tls": [[hostOptions, "const tlsKeys = {"]],
  tls: [[commandOptions, "const certificateKeys = {"]],
  listen: [[commandOptions, "const listenKeys = {"]],
  admin: [[commandOptions, "const adminKeys = {"]],
};

/**
 * The JSON Schema of a config, for editors: made from the schemas and docstrings of the options.
 * What no JSON can say, such as a function, is not in it.
 */
export function configJsonSchema(): JsonSchema {
  const host = described(jsonOf(hostSchema), "");
  const command = described(jsonOf(commandSchema), "");
  const { command: _command, ...ofCommand } = propertiesOf(pluginSchemas.command);
  const { url: _url, ...ofUrl } = propertiesOf(pluginSchemas.url);
  const target = { type: "string" };
  const plugin = (needed: string, properties: Record<string, JsonSchema>): JsonSchema =>
    described(
      { type: "object", properties, required: [needed], additionalProperties: false },
      "plugin",
    );
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "A config of the servehttp command",
    type: "object",
    properties: {
      ...command.properties,
      ...host.properties,
      identity: {
        description: "Who clients are: a ready-made identity by its name, with its options.",
        type: "object",
        properties: Object.fromEntries(
          Object.entries(identitySchemas).map(([name, schema]) => [
            name,
            described(jsonOf(schema), name),
          ]),
        ),
        minProperties: 1,
        maxProperties: 1,
        additionalProperties: false,
      },
      plugins: {
        description: host.properties?.["plugins"]?.["description"],
        type: "object",
        propertyNames: { pattern: "^[A-Za-z0-9_.-]{1,128}$" },
        additionalProperties: {
          anyOf: [
            { type: "string", description: "A target, such as ./notes.js." },
            plugin("target", { target, ...ofUrl, ...ofCommand }),
            plugin("command", propertiesOf(pluginSchemas.command)),
            plugin("url", propertiesOf(pluginSchemas.url)),
          ],
        },
      },
    },
    additionalProperties: false,
  };
}

function propertiesOf(schema: z.ZodType): Record<string, JsonSchema> {
  return jsonOf(schema).properties ?? {};
}

function jsonOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
}

/** Adds what the docstrings say, and leaves out what no JSON can say. */
function described(schema: JsonSchema, block: string): JsonSchema {
  const texts = new Map(
    (blocks[block] ?? []).flatMap(([file, line]) => [
      ...docstringsOf(readFileSync(file, "utf8"), line),
    ]),
  );
  const properties: Record<string, JsonSchema> = {};
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (!("not" in property)) {
      const description = texts.get(name);
      properties[name] = {
        ...(description !== undefined && { description }),
        ...describedWithin(property, blocks[`${block}.${name}`] ? `${block}.${name}` : name),
      };
    }
  }
  return { ...schema, ...(schema.properties !== undefined && { properties }) };
}

function describedWithin(schema: JsonSchema, block: string): JsonSchema {
  const { anyOf, items } = schema as { anyOf?: JsonSchema[]; items?: JsonSchema };
  const { $schema: _schema, readOnly: _readOnly, ...rest } = described(schema, block);
  return {
    ...rest,
    ...(anyOf !== undefined && { anyOf: anyOf.map((one) => describedWithin(one, block)) }),
    ...(items !== undefined && { items: describedWithin(items, block) }),
  };
}
