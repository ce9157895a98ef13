import { createHash } from "node:crypto";
import type { PluginRequest, ResponseWriter, ServeHTTPError } from "@servehttp/plugin-sdk";

/** What is known of a request of /steps. */
interface Exchange {
  state: "running" | "returned" | "failed";
  read: number;
  readonly readHash: ReturnType<typeof createHash>;
  body: "open" | "ended" | "cut";
  written: number;
  aborted: string;
}

const exchanges = new Map<string, Exchange>();
const gates = new Map<string, PromiseWithResolvers<void>>();
const periodBytes = 100_003;
const pieceBytes = 65_536;

/** The routes of docs/porting.md, on the TypeScript SDK. */
export async function serveRoutes(request: PluginRequest, response: ResponseWriter): Promise<void> {
  const [path = "", query = ""] = request.url.split(/\?(.*)/s);
  const [, route = "", key = ""] = path.split("/");
  switch (route) {
    case "describe":
      await describe(request, response);
      return;
    case "steps":
      await runSteps(key, query, request, response);
      return;
    case "seen":
      await seen(key, response);
      return;
    case "go":
      gate(key).resolve();
      return;
    default:
      response.writeHead(404);
  }
}

async function describe(request: PluginRequest, response: ResponseWriter): Promise<void> {
  const hash = createHash("sha256");
  let bodyBytes = 0;
  for await (const chunk of request.body) {
    hash.update(chunk);
    bodyBytes += chunk.length;
  }
  const { method, url, basePath, requestUri, protocol, scheme, host, remoteAddress } = request;
  const described = {
    method,
    url,
    basePath,
    requestUri,
    protocol,
    scheme,
    host,
    remoteAddress,
    contentLength: request.contentLength ?? null,
    deadlineMs: request.deadline?.getTime() ?? null,
    id: request.id,
    context: request.context,
    headers: [...request.headers],
    bodyBytes,
    bodySha256: hash.digest("hex"),
    trailers: [...(await request.trailers)],
  };
  await response.end(JSON.stringify(described));
}

async function seen(key: string, response: ResponseWriter): Promise<void> {
  const exchange = exchanges.get(key);
  if (exchange === undefined) {
    response.writeHead(404);
    return;
  }
  const { readHash, ...rest } = exchange;
  await response.end(JSON.stringify({ ...rest, readSha256: readHash.copy().digest("hex") }));
}

async function runSteps(
  key: string,
  query: string,
  request: PluginRequest,
  response: ResponseWriter,
): Promise<void> {
  const exchange: Exchange = {
    state: "running",
    read: 0,
    readHash: createHash("sha256"),
    body: "open",
    written: 0,
    aborted: "",
  };
  exchanges.set(key, exchange);
  request.signal.addEventListener("abort", () => {
    exchange.aborted = (request.signal.reason as ServeHTTPError).code;
  });
  try {
    for (const step of query.split("&")) {
      const [, name = "", value = ""] = /^([^=]*)=?(.*)$/s.exec(step) ?? [];
      await runStep(name, value, { key, exchange, request, response });
    }
    exchange.state = "returned";
  } catch (error) {
    exchange.state = "failed";
    throw error;
  }
}

interface Context {
  readonly key: string;
  readonly exchange: Exchange;
  readonly request: PluginRequest;
  readonly response: ResponseWriter;
}

async function runStep(name: string, value: string, context: Context): Promise<void> {
  const { key, request, response } = context;
  switch (name) {
    case "status":
      response.writeHead(Number(value));
      return;
    case "header":
      response.headers.append(...pairOf(value));
      return;
    case "trailer":
      response.trailers.append(...pairOf(value));
      return;
    case "hint":
      await response.informational(Number(value), [["Link", "</style.css>; rel=preload"]]);
      return;
    case "flush":
      await response.flush();
      return;
    case "write":
      await write(Number(value), context);
      return;
    case "read":
      await read(context, () => undefined);
      return;
    case "echo":
      await read(context, (chunk) => response.write(chunk));
      return;
    case "wait":
      await untilOpen(key, request.signal);
      return;
    case "tunnel":
      await tunnel(response);
      return;
    case "fail":
      throw new Error("a detail that no client may see");
    default:
  }
}

/** `NAME:HEX`. */
function pairOf(value: string): [string, string] {
  const [name = "", hex = ""] = value.split(":");
  return [name, Buffer.from(hex, "hex").toString("latin1")];
}

async function write(sizeBytes: number, { key, exchange, response }: Context): Promise<void> {
  const period = periodOf(key, exchange.written + sizeBytes);
  const end = exchange.written + sizeBytes;
  if (sizeBytes === 0) {
    await response.write(new Uint8Array());
  }
  while (exchange.written < end) {
    const at = exchange.written % periodBytes;
    const size = Math.min(pieceBytes, end - exchange.written, period.length - at);
    await response.write(period.subarray(at, at + size));
    exchange.written += size;
  }
}

/** As many as are needed of the bytes that `write` repeats. */
function periodOf(key: string, neededBytes: number): Buffer {
  const size = Math.min(neededBytes, periodBytes);
  const blocks = Array.from({ length: Math.ceil(size / 32) }, (_, block) =>
    createHash("sha256").update(`${key}:${block}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, size);
}

async function read(
  { exchange, request }: Context,
  take: (chunk: Uint8Array) => Promise<void> | undefined,
): Promise<void> {
  try {
    for await (const chunk of request.body) {
      exchange.readHash.update(chunk);
      exchange.read += chunk.length;
      await take(chunk);
    }
  } catch (error) {
    exchange.body = "cut";
    throw error;
  }
  exchange.body = "ended";
}

function gate(key: string): PromiseWithResolvers<void> {
  const found = gates.get(key) ?? Promise.withResolvers<void>();
  gates.set(key, found);
  return found;
}

async function untilOpen(key: string, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => undefined);
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort);
  if (signal.aborted) {
    abort();
  }
  await Promise.race([gate(key).promise, aborted.promise]);
  signal.removeEventListener("abort", abort);
}

/** Gives back what the client sends; goes on with the next step where it can't. */
async function tunnel(response: ResponseWriter): Promise<void> {
  let connection;
  try {
    connection = await response.hijack();
  } catch {
    return;
  }
  const { socket, head } = connection;
  if (head.length > 0) {
    socket.write(head);
  }
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    if (!socket.write(chunk)) {
      await new Promise((resolve) => socket.once("drain", resolve));
    }
  }
  await new Promise<void>((resolve) => socket.end(resolve));
}
