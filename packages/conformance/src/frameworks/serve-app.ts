import { servePlugin } from "@servehttp/plugin-sdk";
import { type AppName, createApp } from "./apps/create-app.js";

/** The plugin process: `node serve-app.js NAME DIRECTORY`. */
const [, , name, directory = ""] = process.argv;
await servePlugin(await createApp(name as AppName, directory));
