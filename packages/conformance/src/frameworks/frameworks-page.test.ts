import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { expressFeatures } from "./features/express-features.js";
import { fastifyFeatures } from "./features/fastify-features.js";
import { honoFeatures, honoServerFeatures } from "./features/hono-features.js";
import { koaFeatures } from "./features/koa-features.js";
import { socketIoFeatures } from "./features/socket-io-features.js";
import { wsFeatures } from "./features/ws-features.js";
import { withFeatureTables } from "./feature-table.js";

const page = fileURLToPath(new URL("../../../../docs/frameworks.md", import.meta.url));

it("says in docs/frameworks.md what the features' tests prove (vitest --update writes it)", async () => {
  const tables = {
    express: expressFeatures,
    fastify: fastifyFeatures,
    koa: koaFeatures,
    hono: honoFeatures,
    "hono-server": honoServerFeatures,
    "socket.io": socketIoFeatures,
    ws: wsFeatures,
  };
  const text = readFileSync(page, "utf8");
  await expect(withFeatureTables(text, tables)).toMatchFileSnapshot(page);
});
