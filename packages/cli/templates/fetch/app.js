/** @type {import("@servehttp/plugin-sdk").FetchHandler} */
export const app = {
  fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname !== "/") {
      return new Response("no such page\n", { status: 404 });
    }
    return new Response(
      "<!doctype html>\n<title>{{name}}</title>\n<h1>Hello from {{name}}</h1>\n",
      {
        headers: { "content-type": "text/html; charset=utf-8" },
      },
    );
  },
};
