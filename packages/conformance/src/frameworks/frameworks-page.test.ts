import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { exampleTables } from "../examples/example-tables.js";
import { aiFeatures } from "./features/ai-features.js";
import { expressFeatures } from "./features/express-features.js";
import { fastifyFeatures } from "./features/fastify-features.js";
import { graphqlFeatures } from "./features/graphql-features.js";
import { honoFeatures, honoServerFeatures } from "./features/hono-features.js";
import { koaFeatures } from "./features/koa-features.js";
import { socketIoFeatures } from "./features/socket-io-features.js";
import { trpcFeatures } from "./features/trpc-features.js";
import { wsFeatures } from "./features/ws-features.js";
import { withFeatureTables } from "./feature-table.js";

const page = fileURLToPath(new URL("../../../../docs/frameworks.md", import.meta.url));

it("says in docs/frameworks.md what the features' tests prove (vitest --update writes it)", async () => {
  const tables = {
    express: { rows: expressFeatures },
    fastify: { rows: fastifyFeatures },
    koa: { rows: koaFeatures },
    hono: { rows: honoFeatures },
    "hono-server": { rows: honoServerFeatures },
    "socket.io": { rows: socketIoFeatures },
    ws: { rows: wsFeatures },
    trpc: { rows: trpcFeatures },
    graphql: { rows: graphqlFeatures },
    ai: { rows: aiFeatures },
    ...exampleTables(),
  };
  const text = readFileSync(page, "utf8");
  await expect(withFeatureTables(text, tables)).toMatchFileSnapshot(page);
});
