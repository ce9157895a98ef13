import { createHash } from "node:crypto";
import { type PluginRequest, type ResponseWriter, servePlugin } from "@servehttp/plugin-sdk";
import { Observer } from "../observation/observer.js";
import { seededChunks } from "../seeded-bytes.js";

/** A plugin that calls, and is called: `node call-plugin.js OBSERVATION_SOCKET ROLE`. */
const [, , observationPath = "", role = ""] = process.argv;
const environment = Object.keys(process.env).filter((name) => name.startsWith("SERVEHTTP_"));
const observer = await Observer.connect(observationPath, role, { environment });
// Its host ends it, also when the test process has gone.
observer.beforeExit = () => new Promise(() => undefined);

type Answer = (request: PluginRequest, response: ResponseWriter, rest: string) => Promise<void>;

/** By the first segment of the path; `rest` is what follows, from its "/" on. */
const answers: Readonly<Record<string, Answer>> = {
  /** Passes the request on to the plugin that the path names, and the response back. */
  async call(request, response, rest) {
    const [, id = "", path = ""] = /^\/([^/?]*)(.*)$/.exec(rest) ?? [];
    const { headers, method, body } = request;
    const called = await request.plugins.fetch(id, path, {
      method,
      headers,
      ...(request.contentLength !== 0 && { body }),
    });
    for (const [name, value] of called.headers) {
      response.headers.append(name, value);
    }
    response.writeHead(called.status);
    await response.flush();
    for await (const chunk of called.body ?? []) {
      await response.write(chunk);
    }
    for (const [name, value] of await called.trailers) {
      response.trailers.append(name, value);
    }
  },

  /** Says how a call failed. */
  async failure(request, response, rest) {
    const [, id = "", path = ""] = /^\/([^/?]*)(.*)$/.exec(rest) ?? [];
    try {
      const called = await request.plugins.fetch(id, path);
      observer.event(keyOf(path), "head");
      await called.text();
      await response.end(JSON.stringify({ status: called.status }));
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      await response.end(JSON.stringify({ code, message }));
    }
  },

  /** Calls outside of all exchanges. */
  async outside(_request, response, rest) {
    const called = await plugin.plugins.fetch("called", rest, {
      headers: { "X-User-Id": "forged", x_user_id: "forged", "X-Forwarded-For": "6.6.6.6" },
    });
    await response.end(await called.bytes());
  },

  /** Names itself as another exchange's, and its client as another. */
  async forged(request, response, rest) {
    const called = await request.plugins.fetch("called", rest, {
      headers: {
        "X-User-Id": "forged",
        x_user_id: "forged",
        "X-Forwarded-For": "6.6.6.6",
        Forwarded: "for=6.6.6.6",
        "X-Real-IP": "6.6.6.6",
        Host: "forged.example",
        "Servehttp-Exchange": "forged",
        "Servehttp-Token": "forged",
        Connection: "x-user-id",
      },
    });
    await response.end(await called.bytes());
  },

  /** Ends its own exchange while its call runs. */
  async leave(request, response, rest) {
    const call = request.plugins.fetch("called", rest);
    call.catch((error: unknown) => observer.event(keyOf(rest), "call ended", codeOf(error)));
    await observer.gate(keyOf(rest), "leave");
    await response.end("left");
  },

  /** Cancels its call when the first bytes of the answer are there. */
  async cancel(request, response, rest) {
    const controller = new AbortController();
    const called = await request.plugins.fetch("called", rest, { signal: controller.signal });
    const reader = called.body?.getReader();
    await reader?.read();
    controller.abort(new Error("enough"));
    const why = await reader?.read().then(
      () => "no error",
      (error: Error) => error.message,
    );
    await response.end(why);
  },

  /** Uploads a body that fails behind its first chunk. */
  async broken(request, response, rest) {
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from("first");
      await observer.gate(keyOf(rest), "break");
      throw new Error("the source failed");
    };
    const why = await request.plugins.fetch("called", rest, { method: "POST", body: body() }).then(
      () => "no error",
      (error: Error) => error.message,
    );
    await response.end(why);
  },

  async describe(request, response) {
    const { method, url, requestUri, host, scheme, remoteAddress, context, calledBy } = request;
    const deadline = request.deadline?.getTime();
    const fields = { method, url, requestUri, host, scheme, remoteAddress, context, calledBy };
    const body = { ...fields, deadline, headers: [...request.headers] };
    response.headers.set("content-type", "application/json");
    await response.end(JSON.stringify(body));
  },

  async hash(request, response) {
    const hash = createHash("sha256");
    for await (const chunk of request.body) {
      hash.update(chunk);
    }
    const trailers = [...(await request.trailers)];
    await response.end(JSON.stringify({ sha256: hash.digest("hex"), trailers }));
  },

  async bytes(_request, response, rest) {
    for (const chunk of seededChunks("calls", Number(rest.slice(1)))) {
      await response.write(chunk);
    }
  },

  /** Sends each chunk of the request back as it comes. */
  async echo(request, response) {
    await response.flush();
    for await (const chunk of request.body) {
      await response.write(chunk);
    }
  },

  async events(_request, response, rest) {
    response.headers.set("content-type", "text/event-stream");
    for (let count = 0; count < 3; count += 1) {
      await response.write(`data: ${count}\n\n`);
      await observer.gate(keyOf(rest), `event ${count}`);
    }
  },

  async fields(_request, response) {
    response.headers.append("Set-Cookie", "a=1");
    response.headers.append("Set-Cookie", "b=2");
    response.headers.set("X-Latin", "caf\xe9");
    response.headers.set("Servehttp-Call", "forged");
    response.trailers.set("X-Checksum", "1234");
    response.writeHead(418);
    await response.end("teapot");
  },

  /** Never answers, and says why it was given up. */
  async hang(request, response, rest) {
    request.signal.addEventListener("abort", () =>
      observer.event(keyOf(rest), "aborted", codeOf(request.signal.reason)),
    );
    observer.event(keyOf(rest), "called", request.deadline?.getTime() ?? null);
    if (request.url.includes("?head")) {
      await response.write("first");
    }
    for await (const _ of request.body) {
      // Waits for the client.
    }
    await new Promise(() => undefined);
  },

  /** Reads an upload, and says how it ended. */
  async read(request, response, rest) {
    try {
      for await (const chunk of request.body) {
        observer.event(keyOf(rest), "chunk", Buffer.from(chunk).toString());
      }
      observer.event(keyOf(rest), "read", "whole");
    } catch (error) {
      observer.event(keyOf(rest), "read", codeOf(error));
    }
    await response.end();
  },

  /** Fails when its head and some of its body have gone out. */
  async half(_request, response, rest) {
    await response.write("half of the ");
    await observer.gate(keyOf(rest), "fail");
    throw new Error("on purpose");
  },

  /** Calls itself, and counts how deep. */
  async loop(request, response, rest) {
    const depth = Number(rest.slice(1));
    const called = await request.plugins.fetch("caller", `/loop/${depth + 1}`);
    response.headers.set("x-depth", called.headers.get("x-depth") ?? String(depth));
    response.writeHead(called.status);
    await response.end(await called.bytes());
  },
};

const plugin = await servePlugin(
  {
    async serveHTTP(request, response) {
      observer.tally.exchanges += 1;
      const [, name = "", rest = ""] = /^\/([^/?]*)(.*)$/.exec(request.url) ?? [];
      await answers[name]?.(request, response, rest);
    },
  },
  {
    logger: {
      warn: () => undefined,
      error: (fields: { err?: Error }) => observer.event("log", role, fields.err?.message),
    },
  },
);

/** The last segment names the exchange of the test. */
function keyOf(rest: string): string {
  return rest.replace(/\?.*$/, "").split("/").at(-1) ?? "";
}

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? String(error);
}
