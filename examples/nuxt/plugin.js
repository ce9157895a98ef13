import { servePlugin } from "@servehttp/plugin-sdk";
import { listener } from "./.output/server/index.mjs";

await servePlugin({ node: listener });
