import { servePlugin } from "@servehttp/plugin-sdk";
import next from "next";

const app = next({ dev: process.argv.includes("dev") });
await app.prepare();

// The upgrade handler is for the development server's WebSocket.
await servePlugin({ node: app.getRequestHandler(), upgrade: app.getUpgradeHandler() });
