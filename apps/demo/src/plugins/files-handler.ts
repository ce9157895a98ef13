import { setTimeout as sleep } from "node:timers/promises";
import { ServeHTTPError, type PluginRequest, type ResponseWriter } from "@servehttp/plugin-sdk";
import { byteRangeOf } from "./byte-range.js";
import { fileNameOf } from "./file-name.js";
import type { FileStore } from "./file-store.js";
import { paced } from "./paced.js";
import { sendJSON } from "./send-json.js";
import type { Upload, UploadLedger, UploadOutcome } from "./upload-ledger.js";

const contentPath = "/content/";

/** Slowest and fastest that `?bytesPerSecond=` may ask for: 1 KiB and 1 GiB. */
const bytesPerSecondMin = 1_024;
const bytesPerSecondMax = 1_073_741_824;

/**
 * Serves a store of files:
 *
 * - `GET /` lists the files and the latest uploads, with what became of each;
 * - `PUT /content/NAME` stores a body of any size; `?bytesPerSecond=` makes the plugin read no
 *   faster, and so the
 *   client send no faster;
 * - `GET /content/NAME` and `HEAD` give it back, the whole of it or a single range;
 * - `DELETE /content/NAME` removes it.
 */
export function filesHandler(store: FileStore, ledger: UploadLedger) {
  return async (request: PluginRequest, response: ResponseWriter): Promise<void> => {
    const [path = "/", query = ""] = request.url.split(/\?(.*)/s, 2);
    if (path === "/") {
      return list(store, ledger, request, response);
    }
    if (!path.startsWith(contentPath)) {
      return sendJSON(response, 404, { error: "no such page" });
    }
    const name = fileNameOf(path.slice(contentPath.length));
    if (name === undefined) {
      return sendJSON(response, 400, { error: "not a file name that is kept here" });
    }
    switch (request.method) {
      case "GET":
      case "HEAD":
        return send(store, name, request, response);
      case "PUT":
        return receive(store, ledger, name, new URLSearchParams(query), request, response);
      case "DELETE":
        return remove(store, name, response);
      default:
        return refuseMethod(response, "GET, HEAD, PUT, DELETE");
    }
  };
}

async function list(
  store: FileStore,
  ledger: UploadLedger,
  request: PluginRequest,
  response: ResponseWriter,
): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return refuseMethod(response, "GET, HEAD");
  }
  return sendJSON(response, 200, { files: await store.list(), uploads: ledger.uploads });
}

async function send(
  store: FileStore,
  name: string,
  request: PluginRequest,
  response: ResponseWriter,
): Promise<void> {
  await using file = await store.read(name);
  if (file === undefined) {
    return refuseName(response);
  }
  // RFC 9110 section 14.2 defines Range for GET alone.
  const field = request.method === "GET" ? request.headers.get("range") : undefined;
  const range = byteRangeOf(field ?? undefined, file.sizeBytes);
  const { headers } = response;
  headers.set("accept-ranges", "bytes");
  if (range.kind === "unsatisfiable") {
    headers.set("content-range", `bytes */${file.sizeBytes}`);
    return sendJSON(response, 416, { error: "the file has no such bytes" });
  }
  const { first, last } = range.kind === "part" ? range : { first: 0, last: file.sizeBytes - 1 };
  // Anybody may have uploaded it, and it comes from the page's origin: save it, never show or run
  // it.
  headers.set("content-type", "application/octet-stream");
  headers.set("content-disposition", `attachment; filename*=UTF-8''${extendedValueOf(name)}`);
  headers.set("x-content-type-options", "nosniff");
  headers.set("cache-control", "no-cache");
  headers.set("content-length", String(last - first + 1));
  if (file.sha256 !== null) {
    headers.set("etag", `"${file.sha256}"`);
  }
  if (range.kind === "part") {
    headers.set("content-range", `bytes ${first}-${last}/${file.sizeBytes}`);
  }
  response.writeHead(range.kind === "part" ? 206 : 200);
  if (request.method === "GET" && file.sizeBytes > 0) {
    for await (const chunk of file.bytes(first, last)) {
      await response.write(chunk);
    }
  }
  await response.end();
}

async function receive(
  store: FileStore,
  ledger: UploadLedger,
  name: string,
  query: URLSearchParams,
  request: PluginRequest,
  response: ResponseWriter,
): Promise<void> {
  const bytesPerSecond = Number(query.get("bytesPerSecond") ?? bytesPerSecondMax);
  if (!(bytesPerSecond >= bytesPerSecondMin && bytesPerSecond <= bytesPerSecondMax)) {
    const error = `bytesPerSecond goes from ${bytesPerSecondMin} to ${bytesPerSecondMax}`;
    return sendJSON(response, 400, { error });
  }
  const body = query.has("bytesPerSecond")
    ? paced(request.body, {
        bytesPerSecond,
        now: () => performance.now(),
        sleep: (waitMs) => sleep(waitMs, undefined, { signal: request.signal }),
      })
    : request.body;
  const upload = ledger.begin(name, request.contentLength);
  try {
    const stored = await store.receive(name, counted(body, upload));
    upload.outcome = { state: "stored", sha256: stored.sha256 };
    await sendJSON(response, 201, stored);
  } catch (thrown) {
    upload.outcome = outcomeOf(thrown, request.signal);
    throw thrown;
  }
}

async function* counted(
  body: AsyncIterable<Uint8Array>,
  upload: Upload,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    upload.receivedBytes += chunk.byteLength;
    yield chunk;
  }
}

/**
 * A cut shows as the body's error or, where the plugin was not reading just then, as the aborted
 * signal.
 */
function outcomeOf(thrown: unknown, signal: AbortSignal): UploadOutcome {
  const reason: unknown = signal.aborted ? signal.reason : thrown;
  if (reason instanceof ServeHTTPError) {
    return { state: "cancelled", reason: reason.code };
  }
  const isSystemError = reason instanceof Error && "code" in reason;
  return { state: "failed", reason: isSystemError ? String(reason.code) : "internal" };
}

async function remove(store: FileStore, name: string, response: ResponseWriter): Promise<void> {
  if (!(await store.remove(name))) {
    return refuseName(response);
  }
  response.writeHead(204);
  await response.end();
}

function refuseName(response: ResponseWriter): Promise<void> {
  return sendJSON(response, 404, { error: "no file of this name" });
}

function refuseMethod(response: ResponseWriter, allow: string): Promise<void> {
  response.headers.set("allow", allow);
  return sendJSON(response, 405, { error: `allowed are ${allow}` });
}

/**
 * A value of RFC 8187: `encodeURIComponent` leaves four characters alone that are not allowed
 * there.
 */
function extendedValueOf(text: string): string {
  return encodeURIComponent(text).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
