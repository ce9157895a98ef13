import { once } from "node:events";
import { gunzipSync } from "node:zlib";
import { expect } from "vitest";
import { seededBytes, sha256 } from "../../seeded-bytes.js";
import {
  callApp,
  comparable,
  formWithFile,
  jsonOf,
  openAnswer,
  openRequest,
  type SiteAnswer,
  type AppRequest,
  textOf,
} from "../call-app.js";
import { type AppAddress, appFiles } from "../served-app.js";

// Checks that several frameworks share.

const upload = new Uint8Array(seededBytes("a form's file", 20_971_520));

/** A form with a file of 20 MiB arrives whole. */
export async function takesLargeForm(app: AppAddress, expected: object): Promise<void> {
  const answer = await callApp(app, "/uploads", await formWithFile(upload));
  expect(answer.status).toBe(200);
  expect(jsonOf(answer)).toEqual({ ...expected, sha256: sha256(upload) });
}

/** A body without a declared length, 3 MB in pieces, is hashed by the application. */
export async function takesStream(app: AppAddress, path: string): Promise<void> {
  const request = openRequest(app, path, { method: "POST" });
  const bytes = upload.subarray(0, 3_000_001);
  for (let at = 0; at < bytes.length; at += 100_000) {
    if (!request.write(bytes.subarray(at, at + 100_000))) {
      await once(request, "drain");
    }
  }
  request.end();
  const [response] = await once(request, "response");
  expect(Buffer.concat(await response.toArray()).toString()).toBe(sha256(bytes));
}

/** A file of 20 MiB leaves whole. */
export async function sendsLargeFile(app: AppAddress, path: string): Promise<SiteAnswer> {
  const answer = await callApp(app, path);
  expect(answer.status).toBe(200);
  expect(sha256(answer.body)).toBe(sha256(appFiles["big.bin"]));
  return answer;
}

/** `text.txt` in `files`, with HEAD; names that must not lead out of the directory. */
export async function servesFiles(app: AppAddress, files: string): Promise<void> {
  const path = `${files}/text.txt`;
  const whole = await callApp(app, path);
  expect(whole.status).toBe(200);
  expect(sha256(whole.body)).toBe(sha256(appFiles["text.txt"]));
  const head = await callApp(app, path, { method: "HEAD" });
  expect([head.status, head.headers["content-length"]]).toEqual([200, "100000"]);
  expect(head.body.length).toBe(0);
  for (const outside of ["/../package.json", "/%2e%2e/%2e%2e/package.json", "/none.txt"]) {
    const answer = await callApp(app, files + outside);
    expect([400, 403, 404]).toContain(answer.status);
  }
}

/** Parts of `text.txt` in `files`. */
export async function servesRanges(app: AppAddress, files: string): Promise<void> {
  const path = `${files}/text.txt`;
  const part = await callApp(app, path, { headers: { range: "bytes=10-19" } });
  expect([part.status, part.headers["content-range"]]).toEqual([206, "bytes 10-19/100000"]);
  expect(part.body.equals(appFiles["text.txt"].subarray(10, 20))).toBe(true);
}

/** A range that does not exist, and conditional requests with ETag and Last-Modified. */
export async function answersConditions(app: AppAddress, path: string): Promise<void> {
  const whole = await callApp(app, path);
  const { etag = "", "last-modified": modified = "" } = whole.headers;
  expect(etag).not.toBe("");
  const unchanged = await callApp(app, path, { headers: { "if-none-match": etag } });
  expect([unchanged.status, unchanged.headers.etag, unchanged.body.length]).toEqual([304, etag, 0]);
  const since = await callApp(app, path, { headers: { "if-modified-since": modified } });
  expect(since.status).toBe(304);
  const other = { headers: { range: "bytes=0-9", "if-range": '"other"' } };
  expect((await callApp(app, path, other)).status).toBe(200);
  const beyond = await callApp(app, path, { headers: { range: "bytes=200000-" } });
  expect([beyond.status, beyond.headers["content-range"]]).toEqual([416, "bytes */100000"]);
}

/** Text is gzipped for clients that accept it, and for no other. */
export async function compressesText(app: AppAddress, path: string): Promise<void> {
  const zipped = await callApp(app, path, { headers: { "accept-encoding": "gzip" } });
  expect(zipped.headers["content-encoding"]).toBe("gzip");
  expect(gunzipSync(zipped.body).toString()).toBe("long text ".repeat(10_000));
  const plain = await callApp(app, path);
  expect(plain.headers["content-encoding"]).toBeUndefined();
  expect(textOf(plain)).toBe("long text ".repeat(10_000));
}

/** The first event arrives while the stream is open; the app learns that its client left. */
export async function sendsEventsUntilLeft(
  app: AppAddress,
  paths: { readonly events: string; readonly left: string },
): Promise<void> {
  const response = await openAnswer(app, paths.events);
  expect(response.headers["content-type"]).toMatch(/^text\/event-stream/);
  const [first] = (await once(response, "data")) as [Buffer];
  expect(first.toString()).toContain("data: 1\n");
  response.destroy();
  expect(textOf(await callApp(app, paths.left))).toBe("left");
}

/** Each answer is the one that Node gives when it serves the application: status, fields, bytes. */
export async function answersAsDirectly(
  app: AppAddress,
  requests: readonly (readonly [path: string, request?: AppRequest])[],
): Promise<void> {
  for (const [path, request] of requests) {
    const answer = await callApp(app, path, request);
    const reference = await callApp(app.reference, path, request);
    const expected = { path, ...comparable(reference, "") };
    expect({ path, ...comparable(answer, app.base) }).toEqual(expected);
  }
}

/** The context that the host of the tests gives every request. */
export async function knowsClient(app: AppAddress): Promise<void> {
  const known = jsonOf(await callApp(app, "/client?a=1"));
  expect(known).toEqual({ user: "ada", requestUri: `${app.base}/client?a=1` });
}

/** What the application reports of a request: method, addresses, query. */
export async function seesFacts(app: AppAddress, expected: object): Promise<void> {
  const { body } = await callApp(app, "/facts?a=1&b=x%20y", { headers: { host: "app.test:81" } });
  expect(JSON.parse(body.toString())).toMatchObject(expected);
}
