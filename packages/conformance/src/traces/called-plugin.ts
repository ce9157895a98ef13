import { servePlugin } from "@servehttp/plugin-sdk";

/** Answers calls. */
await servePlugin({ fetch: () => new Response("found") });
