import type { IncomingMessage, ServerResponse } from "node:http";
import type { PageFile } from "./page-files.js";
import type { Sessions } from "./sessions.js";

/** What the page is made of. */
export interface PageSource {
  readonly files: ReadonlyMap<string, PageFile>;
  readonly sessions: Sessions;
  /** What the page shows of the host, for JSON. */
  status(): object;
}

/** The body of a sign-in: 1 KiB. */
const signInBytesMax = 1_024;

/**
 * The host's own pages, beside the plugins: the files of the page, `GET /host` (who the caller is, and how the
 * plugins are) and `POST /host/session` (signs in as `{"user": "ada"}`).
 */
export function pageListener(source: PageSource) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const file = source.files.get(path);
    const method = request.method === "HEAD" ? "GET" : request.method;
    if (method === "GET" && file !== undefined) {
      sendFile(response, file);
    } else if (method === "GET" && path === "/host") {
      const user = source.sessions.userOf(request) ?? null;
      sendJSON(response, 200, { user, ...source.status() });
    } else if (method === "POST" && path === "/host/session") {
      await signIn(source.sessions, request, response);
    } else {
      sendJSON(response, 404, { error: "no such page" });
    }
  };
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
  // A form of another site can't send this type unasked.
  if (request.headers["content-type"] !== "application/json") {
    return sendJSON(response, 415, { error: "application/json, please" });
  }
  const user = userIn(await textOf(request, signInBytesMax));
  if (user === undefined) {
    return sendJSON(response, 400, { error: "user: 1 to 32 letters, digits or hyphens" });
  }
  response.setHeader("set-cookie", sessions.start(user));
  sendJSON(response, 200, { user });
}

async function textOf(request: IncomingMessage, bytesMax: number): Promise<string> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of request) {
    bytes = Buffer.concat([bytes, chunk as Buffer]);
    if (bytes.byteLength > bytesMax) {
      return "";
    }
  }
  return bytes.toString();
}

function userIn(text: string): string | undefined {
  try {
    const { user } = JSON.parse(text) as { user?: unknown };
    return typeof user === "string" && /^[a-z\d-]{1,32}$/i.test(user) ? user : undefined;
  } catch (thrown) {
    if (thrown instanceof SyntaxError || thrown instanceof TypeError) {
      return undefined;
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
