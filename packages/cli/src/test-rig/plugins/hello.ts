import { servePlugin } from "@servehttp/plugin-sdk";

await servePlugin({
  async serveHTTP(request, response) {
    if (request.method === "POST") {
      // The client learns by it that the request has come.
      await response.informational(102, []);
      await response.end(`got ${await request.text()}`);
      return;
    }
    response.headers.set("x-remote-address", request.remoteAddress);
    response.headers.set("x-scheme", request.scheme);
    await response.end(`hello from ${request.basePath}, you asked for ${request.url}`);
  },
});
