import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, it } from "vitest";
import { configJsonSchema } from "../test-rig/config-json-schema.js";

const file = fileURLToPath(new URL("../../config.schema.json", import.meta.url));

it("ships the JSON Schema that the options' schemas make (npm run generate writes it)", async () => {
  const text = `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`;
  await expect(text).toMatchFileSnapshot(file);
});

const isValid = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(configJsonSchema());

it.each([
  [{}],
  [{ $schema: "./config.schema.json", plugins: { notes: "./notes.js" }, listen: ":8080" }],
  [{ plugins: { notes: { target: "./notes.js", path: "full", timeouts: { headMs: 0 } } } }],
  [{ plugins: { notes: { command: ["node", "notes.js"], instances: 2 } }, logger: false }],
  [{ plugins: { far: { url: ["https://a", "https://b"], tls: { ca: "PEM" } } } }],
  [{ listen: [{ address: "unix:/run/a", mode: "660", tls: false }], tls: { cert: "c", key: "k" } }],
  [{ edge: { strip: { cookies: ["session"] }, trustedProxies: ["unix"] }, logLevel: "warn" }],
  [
    {
      identity: { jwt: { jwksUrl: "https://a/jwks", claims: { "x-user-id": "sub" } } },
      watch: true,
    },
  ],
  [{ identity: { basic: { htpasswd: "./users" } }, watch: { liveReload: true } }],
])("allows %j", (config) => {
  expect(isValid(config)).toBe(true);
});

it.each([
  [{ pluigns: {} }],
  [{ plugins: { notes: { target: "./notes.js", pth: "full" } } }],
  [{ plugins: { notes: {} } }],
  [{ plugins: { "a b": "./a.js" } }],
  [{ timeouts: { headMs: "1s" } }],
  [{ timeouts: { headMs: -1 } }],
  [{ listen: { mode: "660" } }],
  [{ edge: { forwarded: "on" } }],
  [{ handler: {} }],
  [{ identity: { ldap: {} } }],
  [{ identity: { basic: {} } }],
])("refuses %j", (config) => {
  expect(isValid(config)).toBe(false);
});
