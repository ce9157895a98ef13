import asyncio

from servehttp import serve_plugin


async def serve_http(request, response):
    path, _, _ = request.url.partition("?")
    if path != "/":
        response.write_head(404)
        await response.end("no such page\n")
        return
    response.headers["content-type"] = "text/html; charset=utf-8"
    await response.end("<!doctype html>\n<title>{{name}}</title>\n<h1>Hello from {{name}}</h1>\n")


if __name__ == "__main__":
    asyncio.run(serve_plugin(serve_http))
