import type { IncomingMessage, ServerResponse } from "node:http";
import type { PageFile } from "./page-files.js";
import type { Sessions } from "./sessions.js";

/** What the page is made of. */
export interface PageSource {
  readonly files: ReadonlyMap<string, PageFile>;
  readonly sessions: Sessions;
}

/** The host that the page is about. */
export interface PageHost {
  /** What the page shows of the host, for JSON. */
  status(): object;
  /** Kills a plugin's process; false where there is none. */
  kill(pluginId: string): boolean;
}

/** The body of a request to the host itself: 1 KiB. */
const bodyBytesMax = 1_024;

/**
 * The host's own pages, beside the plugins:
 *
 * - the files of the page;
 * - `GET /host`: who the client is, and how the plugins are;
 * - `POST /host/session`: signs in as `{"user": "ada"}`;
 * - `POST /host/kill`: kills the process of `{"plugin": "files"}`, to see it come back.
 */
export function pageListener(source: PageSource) {
  return async (
    request: IncomingMessage,
    response: ServerResponse,
    host: PageHost,
  ): Promise<void> => {
    try {
      await answer(source, host, request, response);
    } catch (thrown) {
      if (request.errored === null) {
        throw thrown;
      }
      // The client has left in the middle of its body.
      response.destroy();
    }
  };
}

async function answer(
  source: PageSource,
  host: PageHost,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
  const file = source.files.get(path);
  const route = `${request.method === "HEAD" ? "GET" : request.method} ${path}`;
  if (file !== undefined && route.startsWith("GET ")) {
    sendFile(response, file);
  } else if (route === "GET /host") {
    const user = source.sessions.userOf(request) ?? null;
    sendJSON(response, 200, { user, ...host.status() });
  } else if (route === "POST /host/session") {
    await signIn(source.sessions, request, response);
  } else if (route === "POST /host/kill") {
    await kill(host, request, response);
  } else {
    sendJSON(response, 404, { error: "no such page" });
  }
}

function sendFile(response: ServerResponse, { type, body }: PageFile): void {
  response
    .writeHead(200, {
      "content-type": type,
      "content-length": body.byteLength,
      "cache-control": "no-cache",
      "content-security-policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    })
    .end(body);
}

async function signIn(
  sessions: Sessions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { user } = await fieldsOf(request);
  if (typeof user !== "string" || !/^[a-z\d-]{1,32}$/i.test(user)) {
    return sendJSON(response, 400, { error: "user: 1 to 32 letters, digits or hyphens" });
  }
  response.setHeader("set-cookie", sessions.start(user));
  sendJSON(response, 200, { user });
}

async function kill(
  host: PageHost,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { plugin } = await fieldsOf(request);
  if (typeof plugin !== "string" || !host.kill(plugin)) {
    return sendJSON(response, 400, { error: "plugin: the id of one that runs" });
  }
  sendJSON(response, 200, { plugin });
}

/**
 * The members of a JSON object in a body; none where it is anything else, too long, or of another
 * type: a form of another site can't send JSON unasked.
 */
async function fieldsOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let body = Buffer.alloc(0);
  for await (const chunk of request) {
    body = Buffer.concat([body, chunk as Buffer]);
    if (body.byteLength > bodyBytesMax) {
      return {};
    }
  }
  return request.headers["content-type"] === "application/json"
    ? parsedObject(body.toString())
    : {};
}

function parsedObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch (thrown) {
    if (thrown instanceof SyntaxError) {
      return {};
    }
    throw thrown;
  }
}

function sendJSON(response: ServerResponse, status: number, value: object): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  response
    .writeHead(status, {
      "content-type": "application/json; charset=utf-8",
      "content-length": body.byteLength,
      "cache-control": "no-store",
    })
    .end(body);
}
