// The public server. The plugin is at /plugins/site/.
import { createServer } from "node:http";
import { createPluginHost } from "@servehttp/host-bridge";

const host = createPluginHost({
  plugins: {
    site: {
      command: ["node", "plugin.js", ...process.argv.slice(2)],
      // An application that has its whole path in its pages wants to see it in requests.
      path: process.argv.includes("anywhere") ? "stripped" : "full",
      timeouts: { startMs: 60_000 },
    },
  },
});
await host.start();

const server = createServer((request, response) => {
  response.writeHead(404).end("the application has no such page\n");
});
host.attach(server).listen(process.env.PORT ?? 8080, () => {
  console.log(`open http://localhost:${server.address().port}/plugins/site/`);
});

process.once("SIGTERM", async () => {
  server.close();
  await host.stop();
});
