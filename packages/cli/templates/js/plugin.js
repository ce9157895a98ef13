import { servePlugin } from "@servehttp/plugin-sdk";
import { handler } from "./handler.js";

await servePlugin(handler);
