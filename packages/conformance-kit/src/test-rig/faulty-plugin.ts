/**
 * A plugin that serves the routes and gets much wrong: methods in lower case, values of a field
 * joined, cut uploads taken for whole, nothing sent before the handler returns, failures hidden, and no
 * end by SIGTERM.
 */
import { type PluginRequest, type ResponseWriter, servePlugin } from "@servehttp/plugin-sdk";
import { serveRoutes } from "./kit-routes.js";

await servePlugin(
  {
    async serveHTTP(request, response) {
      const written: (Uint8Array | string)[] = [];
      await serveRoutes(wrongRequest(request), heldResponse(response, written)).catch(
        () => undefined,
      );
      for (const chunk of written) {
        await response.write(chunk);
      }
    },
  },
  { logger: false },
);
process.removeAllListeners("SIGTERM");
process.on("SIGTERM", () => undefined);

function wrongRequest(request: PluginRequest): PluginRequest {
  return new Proxy(request, {
    get(target, name) {
      switch (name) {
        case "method":
          return target.method.toLowerCase();
        case "headers":
          return new Map(
            [...target.headers].map(([key]) => [key, target.headers.getAll(key).join()]),
          );
        case "body":
          return withoutErrors(target.body);
        default:
          return Reflect.get(target, name, target) as unknown;
      }
    },
  });
}

async function* withoutErrors(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch {
    // Its end looks like any other.
  }
}

function heldResponse(response: ResponseWriter, written: (Uint8Array | string)[]): ResponseWriter {
  return new Proxy(response, {
    get(target, name) {
      switch (name) {
        case "write":
        case "end":
          return (chunk: Uint8Array | string = "") => void written.push(chunk);
        case "flush":
          return () => undefined;
        default: {
          const member = Reflect.get(target, name, target) as unknown;
          return typeof member === "function" ? member.bind(target) : member;
        }
      }
    },
  });
}
