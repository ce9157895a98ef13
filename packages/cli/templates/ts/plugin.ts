import { servePlugin } from "@servehttp/plugin-sdk";
import { handler } from "./handler.ts";

await servePlugin(handler);
