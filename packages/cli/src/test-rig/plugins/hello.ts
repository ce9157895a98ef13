import { servePlugin } from "@servehttp/plugin-sdk";

await servePlugin({
  async serveHTTP(request, response) {
    await response.end(`hello from ${request.basePath}, you asked for ${request.url}`);
  },
});
