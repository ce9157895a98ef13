import { randomUUID } from "node:crypto";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { servePlugin } from "@servehttp/plugin-sdk";
import express from "express";
import { z } from "zod";

/** The sessions that are open, by the id that the client sends. */
const transports = new Map();

function createServer() {
  const server = new McpServer({ name: "example", version: "1.0.0" });
  server.registerTool(
    "add",
    { description: "Adds two numbers", inputSchema: { a: z.number(), b: z.number() } },
    ({ a, b }) => ({ content: [{ type: "text", text: String(a + b) }] }),
  );
  server.registerTool(
    "count",
    { description: "Counts, and tells how far it is", inputSchema: { to: z.number() } },
    async ({ to }, { sendNotification, _meta }) => {
      for (let progress = 1; progress <= to; progress++) {
        await sendNotification({
          method: "notifications/progress",
          params: { progressToken: _meta?.progressToken ?? 0, progress, total: to },
        });
      }
      return { content: [{ type: "text", text: `counted to ${to}` }] };
    },
  );
  server.registerTool(
    "learn",
    { description: "Learns a new tool, of which it tells", inputSchema: { name: z.string() } },
    ({ name }) => {
      server.registerTool(name, { description: "A new one" }, () => ({
        content: [{ type: "text", text: `I know ${name}` }],
      }));
      return { content: [{ type: "text", text: "ok" }] };
    },
  );
  return server;
}

/** Keeps what a session has said, so that a client whose stream broke gets what it missed. */
class EventStore {
  #events = [];

  async storeEvent(streamId, message) {
    const eventId = String(this.#events.length);
    this.#events.push({ streamId, eventId, message });
    return eventId;
  }

  async replayEventsAfter(lastEventId, { send }) {
    const streamId = this.#events[Number(lastEventId)]?.streamId;
    const missed = this.#events.slice(Number(lastEventId) + 1);
    for (const event of missed.filter((one) => one.streamId === streamId)) {
      await send(event.eventId, event.message);
    }
    return streamId;
  }
}

async function openSession() {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    eventStore: new EventStore(),
    onsessioninitialized: (id) => void transports.set(id, transport),
    onsessionclosed: (id) => void transports.delete(id),
  });
  await createServer().connect(transport);
  return transport;
}

const app = express();
app.get("/sessions", (request, response) => response.json({ open: transports.size }));
app.all("/mcp", express.json(), async (request, response) => {
  const id = request.get("mcp-session-id");
  const transport = id === undefined ? await openSession() : transports.get(id);
  if (transport === undefined) {
    response.status(404).json({ error: "no such session" });
    return;
  }
  await transport.handleRequest(request, response, request.body);
});

await servePlugin({ node: app });
