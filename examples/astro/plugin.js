import { servePlugin } from "@servehttp/plugin-sdk";
import express from "express";
import { handler } from "./dist/server/entry.mjs";

const app = express();
app.use("/plugins/site", express.static("dist/client"));
app.use(handler);

await servePlugin({ node: app });
