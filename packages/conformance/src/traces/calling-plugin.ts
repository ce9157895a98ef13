import { servePlugin } from "@servehttp/plugin-sdk";

/** Asks somebody outside by fetch, and the plugin `search` by a call. */
await servePlugin({
  async serveHTTP(request, response) {
    request.log.info("asks");
    const outside = await fetch(process.env["OUTSIDE"] ?? "");
    await outside.text();
    const found = await request.plugins.fetch("search", "/query?q=x");
    await response.end(await found.text());
  },
});
