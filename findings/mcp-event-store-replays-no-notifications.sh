#!/usr/bin/env bash
# @modelcontextprotocol/sdk 1.32.2: its InMemoryEventStore, which its examples use and many servers copy, brings back no stream of
# notifications. The id of that stream is "_GET_stream", and the store takes what stands before the first "_" of an event's id for its
# stream. A client that comes back with Last-Event-ID gets 200 and a stream on which nothing comes: neither what it missed nor
# what is said from then on. Streams of answers have no "_" in their ids, and are replayed. So whoever restarts or drains a server, and
# counts on clients to come back, needs another store, which keeps the stream beside the event.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . @modelcontextprotocol/sdk@1.32.2 >/dev/null
cat >replay.mjs <<'JS'
import { InMemoryEventStore } from "@modelcontextprotocol/sdk/examples/shared/inMemoryEventStore.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";

const VERSION = "2025-11-25";

class WithWholeStreamId extends InMemoryEventStore {
  getStreamIdFromEventId(eventId) {
    return eventId.split("_").slice(0, -2).join("_");
  }
}

async function seen(eventStore) {
  const { server } = new McpServer({ name: "a", version: "1" }, { capabilities: { logging: {} } });
  const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: () => "session", eventStore });
  await server.connect(transport);
  const ask = (method, fields, message) => {
    const headers = {
      accept: "application/json, text/event-stream",
      "content-type": "application/json",
      "mcp-protocol-version": VERSION,
      ...fields,
    };
    const body = message && JSON.stringify({ jsonrpc: "2.0", ...message });
    return transport.handleRequest(new Request("http://a/mcp", { method, headers, body }));
  };
  const params = { protocolVersion: VERSION, capabilities: {}, clientInfo: { name: "b", version: "1" } };
  await ask("POST", {}, { id: 1, method: "initialize", params });
  const session = { "mcp-session-id": "session" };
  const first = (await ask("GET", session)).body.getReader();
  await server.sendLoggingMessage({ level: "info", data: "first" });
  const [, id] = /^id: (.+)$/m.exec(new TextDecoder().decode((await first.read()).value));
  await first.cancel();
  // Ids of one millisecond are in no order.
  const { now } = Date;
  Date.now = () => now() + 1000;
  await server.sendLoggingMessage({ level: "info", data: "missed" });
  const again = await ask("GET", { ...session, "last-event-id": id });
  Date.now = () => now() + 2000;
  await server.sendLoggingMessage({ level: "info", data: "next" });
  await transport.close();
  const replayed = [...(await again.text()).matchAll(/"data":"(\w+)"/g)].map(([, data]) => data);
  return `${id.replace(/\d+_\w+$/, "…")} ${again.status} ${replayed.join(" and ") || "nothing"}`;
}

console.log(`as it is: ${await seen(new InMemoryEventStore())}`);
console.log(`with the whole id of the stream: ${await seen(new WithWholeStreamId())}`);
JS
timeout 60 node replay.mjs | tee seen
diff seen - <<'EXPECTED'
as it is: _GET_stream_… 200 nothing
with the whole id of the stream: _GET_stream_… 200 missed and next
EXPECTED
