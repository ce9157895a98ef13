import { servePlugin } from "@servehttp/plugin-sdk";
import { app } from "./app.js";

await servePlugin({ node: app });
