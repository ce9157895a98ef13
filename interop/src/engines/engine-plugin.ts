/**
 * A plugin on our own SDK, for every engine that the SDK promises to run on.
 *
 * | request | answer |
 * |---|---|
 * | `GET /engine` | the name and version of the engine |
 * | `POST /echo` | each chunk as it comes |
 * | `POST /hash` | the SHA-256 of the body |
 * | `GET /events` | an event at once and one for each request of `/next-event`, until the client leaves |
 * | `GET /next-event` | how many listen |
 * | `GET /around` | an informational response, a body, a trailer |
 * | `GET /broken` | half a body; behind `GET /break` the handler throws |
 * | `POST /cut` | answers at once and reads the body; `GET /was-cut` waits until one was cut off |
 * | `POST /early` | 413, without reading the body |
 * | `GET /left` | waits until a client of `/events` has left, then says the code of its signal's reason |
 * | `/call/…` | what this plugin itself answers to a call of its own for the rest of the path |
 * | `GET /caller` | which plugin calls |
 * | `GET /hang` | some bytes, and then nothing; `GET /hung` waits until that was given up, and says why |
 * | upgrade at `/websocket` | a WebSocket that gives back each message |
 */
import { createHash } from "node:crypto";
import { type PluginRequest, type ResponseWriter, servePlugin } from "@servehttp/plugin-sdk";
import { echoWebSocket } from "./echo-websocket.js";

const listeners = new Set<() => void>();
const left = Promise.withResolvers<string>();
let breaking = Promise.withResolvers<void>();
const hung = Promise.withResolvers<string>();
const cut = Promise.withResolvers<string>();

await servePlugin({ serveHTTP });

async function serveHTTP(request: PluginRequest, response: ResponseWriter): Promise<void> {
  if (request.url.startsWith("/call/")) {
    await call(request, response);
    return;
  }
  switch (request.url) {
    case "/engine": {
      const { bun, deno, node } = process.versions;
      await response.end(bun ? `bun ${bun}` : deno ? `deno ${deno}` : `node ${node}`);
      return;
    }
    case "/echo":
      for await (const chunk of request.body) {
        await response.write(chunk);
      }
      return;
    case "/hash": {
      const hash = createHash("sha256");
      for await (const chunk of request.body) {
        hash.update(chunk);
      }
      await response.end(hash.digest("hex"));
      return;
    }
    case "/events":
      await events(request, response);
      return;
    case "/next-event":
      for (const next of listeners) {
        next();
      }
      await response.end(`${listeners.size}`);
      return;
    case "/around":
      await response.informational(103, [["Link", "</style.css>; rel=preload"]]);
      await response.write("in between");
      response.trailers.set("X-Trailer", "behind");
      return;
    case "/broken":
      breaking = Promise.withResolvers();
      await response.write("half of it");
      await breaking.promise;
      throw new Error("no more");
    case "/break":
      breaking.resolve();
      return;
    case "/cut":
      await response.flush();
      try {
        await request.bytes();
      } catch (error) {
        cut.resolve("cut off");
        throw error;
      }
      return;
    case "/was-cut":
      await response.end(await cut.promise);
      return;
    case "/early":
      response.writeHead(413);
      await response.end("too much");
      return;
    case "/left":
      await response.end(await left.promise);
      return;
    case "/caller":
      await response.end(request.calledBy ?? "nobody");
      return;
    case "/hang":
      request.signal.addEventListener("abort", () => hung.resolve(request.signal.reason.code));
      await response.write("and then");
      await new Promise(() => undefined);
      return;
    case "/hung":
      await response.end(await hung.promise);
      return;
    case "/websocket":
      await echoWebSocket(request, response);
      return;
    default:
      response.writeHead(404);
  }
}

/** Passes the request on to this plugin itself, and the response back, as they come. */
async function call(request: PluginRequest, response: ResponseWriter): Promise<void> {
  const { method, contentLength, body } = request;
  const called = await request.plugins.fetch("engine", request.url.slice("/call".length), {
    method,
    ...(contentLength !== 0 && { body }),
  });
  response.writeHead(called.status);
  for await (const chunk of called.body ?? []) {
    await response.write(chunk);
  }
  for (const [name, value] of await called.trailers) {
    response.trailers.append(name, value);
  }
}

async function events(request: PluginRequest, response: ResponseWriter): Promise<void> {
  response.headers.set("content-type", "text/event-stream");
  let number = 0;
  const next = (): void => {
    number += 1;
    void response.write(`data: ${number}\n\n`);
  };
  listeners.add(next);
  const over = Promise.withResolvers<string>();
  request.signal.addEventListener("abort", () => over.resolve(request.signal.reason.code));
  next();
  left.resolve(await over.promise);
  listeners.delete(next);
}
