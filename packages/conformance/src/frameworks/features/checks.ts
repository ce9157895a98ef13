import { once } from "node:events";
import { gunzipSync } from "node:zlib";
import { expect } from "vitest";
import { seededBytes, sha256 } from "../../seeded-bytes.js";
import {
  callSite,
  comparable,
  formWithFile,
  jsonOf,
  openAnswer,
  openRequest,
  type SiteAnswer,
  type SiteRequest,
  textOf,
} from "../call-site.js";
import { type Site, siteFiles } from "../site.js";

// What several frameworks are asked in the same way.

const upload = new Uint8Array(seededBytes("a form's file", 20_971_520));

/** A form with a file of 20 MiB arrives whole. */
export async function takesLargeForm(site: Site, expected: object): Promise<void> {
  const answer = await callSite(site, "/uploads", await formWithFile(upload));
  expect(answer.status).toBe(200);
  expect(jsonOf(answer)).toEqual({ ...expected, sha256: sha256(upload) });
}

/** A body without a declared length, 3 MB in pieces, is hashed by the application. */
export async function takesStream(site: Site, path: string): Promise<void> {
  const request = openRequest(site, path, { method: "POST" });
  const octets = upload.subarray(0, 3_000_001);
  for (let at = 0; at < octets.length; at += 100_000) {
    if (!request.write(octets.subarray(at, at + 100_000))) {
      await once(request, "drain");
    }
  }
  request.end();
  const [response] = await once(request, "response");
  expect(Buffer.concat(await response.toArray()).toString()).toBe(sha256(octets));
}

/** A file of 20 MiB leaves whole. */
export async function sendsLargeFile(site: Site, path: string): Promise<SiteAnswer> {
  const answer = await callSite(site, path);
  expect(answer.status).toBe(200);
  expect(sha256(answer.body)).toBe(sha256(siteFiles["big.bin"]));
  return answer;
}

/** `text.txt` in `files`, with HEAD; names that must not lead out of the directory. */
export async function servesFiles(site: Site, files: string): Promise<void> {
  const path = `${files}/text.txt`;
  const whole = await callSite(site, path);
  expect(whole.status).toBe(200);
  expect(sha256(whole.body)).toBe(sha256(siteFiles["text.txt"]));
  const head = await callSite(site, path, { method: "HEAD" });
  expect([head.status, head.headers["content-length"]]).toEqual([200, "100000"]);
  expect(head.body.length).toBe(0);
  for (const outside of ["/../package.json", "/%2e%2e/%2e%2e/package.json", "/none.txt"]) {
    const answer = await callSite(site, files + outside);
    expect([400, 403, 404]).toContain(answer.status);
  }
}

/** Parts of `text.txt` in `files`. */
export async function servesRanges(site: Site, files: string): Promise<void> {
  const path = `${files}/text.txt`;
  const part = await callSite(site, path, { headers: { range: "bytes=10-19" } });
  expect([part.status, part.headers["content-range"]]).toEqual([206, "bytes 10-19/100000"]);
  expect(part.body.equals(siteFiles["text.txt"].subarray(10, 20))).toBe(true);
}

/** A range that can't be had, and answers to conditions on ETag and Last-Modified. */
export async function answersConditions(site: Site, path: string): Promise<void> {
  const whole = await callSite(site, path);
  const { etag = "", "last-modified": modified = "" } = whole.headers;
  expect(etag).not.toBe("");
  const unchanged = await callSite(site, path, { headers: { "if-none-match": etag } });
  expect([unchanged.status, unchanged.headers.etag, unchanged.body.length]).toEqual([304, etag, 0]);
  const since = await callSite(site, path, { headers: { "if-modified-since": modified } });
  expect(since.status).toBe(304);
  const other = { headers: { range: "bytes=0-9", "if-range": '"other"' } };
  expect((await callSite(site, path, other)).status).toBe(200);
  const beyond = await callSite(site, path, { headers: { range: "bytes=200000-" } });
  expect([beyond.status, beyond.headers["content-range"]]).toEqual([416, "bytes */100000"]);
}

/** Text is gzipped for who takes it, and only for them. */
export async function compressesText(site: Site, path: string): Promise<void> {
  const zipped = await callSite(site, path, { headers: { "accept-encoding": "gzip" } });
  expect(zipped.headers["content-encoding"]).toBe("gzip");
  expect(gunzipSync(zipped.body).toString()).toBe("long text ".repeat(10_000));
  const plain = await callSite(site, path);
  expect(plain.headers["content-encoding"]).toBeUndefined();
  expect(textOf(plain)).toBe("long text ".repeat(10_000));
}

/** The first event is here while the stream is open, and the application learns that its client left. */
export async function sendsEventsUntilLeft(
  site: Site,
  paths: { readonly events: string; readonly left: string },
): Promise<void> {
  const response = await openAnswer(site, paths.events);
  expect(response.headers["content-type"]).toMatch(/^text\/event-stream/);
  const [first] = (await once(response, "data")) as [Buffer];
  expect(first.toString()).toContain("data: 1\n");
  response.destroy();
  expect(textOf(await callSite(site, paths.left))).toBe("left");
}

/** Each request is answered as when Node serves the application: status, fields, bytes. */
export async function answersAsDirectly(
  site: Site,
  requests: readonly (readonly [path: string, request?: SiteRequest])[],
): Promise<void> {
  for (const [path, request] of requests) {
    const answer = await callSite(site, path, request);
    const reference = await callSite(site.reference, path, request);
    expect({ path, ...comparable(answer) }).toEqual({ path, ...comparable(reference) });
  }
}

/** What the host of the tests says of every client. */
export async function knowsClient(site: Site): Promise<void> {
  const known = jsonOf(await callSite(site, "/client?a=1"));
  expect(known).toEqual({ user: "ada", requestUri: `${site.base}/client?a=1` });
}

/** What the application says of a request: method, addresses, query. */
export async function seesFacts(site: Site, expected: object): Promise<void> {
  const { body } = await callSite(site, "/facts?a=1&b=x%20y", { headers: { host: "app.test:81" } });
  expect(JSON.parse(body.toString())).toMatchObject(expected);
}
