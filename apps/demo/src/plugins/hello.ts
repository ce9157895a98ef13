// The smallest plugin: says what the host says of the client.
import { servePlugin } from "@servehttp/plugin-sdk";

await servePlugin({
  async serveHTTP(request, response) {
    response.headers.set("content-type", "application/json; charset=utf-8");
    await response.end(
      JSON.stringify({
        greeting: `Hello, ${request.context["user"] ?? "stranger"}`,
        method: request.method,
        url: request.url,
        userHeader: request.headers.get("x-user-id") ?? null,
        cookie: request.headers.get("cookie") ?? null,
        context: request.context,
        requestId: request.id,
        pid: process.pid,
      }),
    );
  },
});
