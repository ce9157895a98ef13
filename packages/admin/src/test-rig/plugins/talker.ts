import { servePlugin } from "@servehttp/plugin-sdk";

await servePlugin({
  serveHTTP(request, response) {
    process.stderr.write(`asked for ${request.url}\n`);
    void response.end("here");
  },
});
