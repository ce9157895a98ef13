import { servePlugin } from "@servehttp/plugin-sdk";

await servePlugin({
  async serveHTTP(request, response) {
    response.headers.set("x-remote-address", request.remoteAddress);
    response.headers.set("x-scheme", request.scheme);
    await response.end(`hello from ${request.basePath}, you asked for ${request.url}`);
  },
});
