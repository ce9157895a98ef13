/** @type {import("@servehttp/plugin-sdk").PluginHandler} */
export const handler = {
  async serveHTTP(request, response) {
    const { pathname } = new URL(request.url, "http://plugin");
    if (pathname !== "/") {
      response.writeHead(404);
      await response.end("no such page\n");
      return;
    }
    response.headers.set("content-type", "text/html; charset=utf-8");
    await response.end("<!doctype html>\n<title>{{name}}</title>\n<h1>Hello from {{name}}</h1>\n");
  },
};
