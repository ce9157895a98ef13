/** A plugin that serves the routes of docs/porting.md. */
import { servePlugin } from "@servehttp/plugin-sdk";
import { serveRoutes } from "./kit-routes.js";

await servePlugin({ serveHTTP: serveRoutes }, { logger: false });
