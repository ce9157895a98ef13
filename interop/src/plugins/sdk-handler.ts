import type { PluginRequest, ResponseWriter } from "@servehttp/plugin-sdk";

const cutOff = Promise.withResolvers<string>();

/** What every peer serves (example-handler.ts), written with our own SDK. */
export async function serveHTTP(request: PluginRequest, response: ResponseWriter): Promise<void> {
  switch (request.url) {
    case "/headers":
      for (const [name, value] of request.headers) {
        if (/^x-/i.test(name)) {
          response.headers.append(name, value);
        }
      }
      await response.end(`${request.method} ${request.url}`);
      return;
    case "/echo":
      await echo(request, response);
      return;
    case "/cut-off":
      await response.flush();
      await response.end(await cutOff.promise);
      return;
    case "/early":
      response.writeHead(413);
      await response.end("too much");
      return;
    case "/unfinished":
      await response.write("half of it");
      throw new Error("no more");
    default:
      response.writeHead(404);
  }
}

async function echo(request: PluginRequest, response: ResponseWriter): Promise<void> {
  await response.informational(103, [["Link", "</style.css>; rel=preload"]]);
  await response.flush();
  let bytes = 0;
  try {
    for await (const chunk of request.body) {
      bytes += chunk.length;
      await response.write(chunk);
    }
  } catch (error) {
    cutOff.resolve("the request was cut off");
    throw error;
  }
  response.trailers.set("X-Bytes", `${bytes}`);
}
