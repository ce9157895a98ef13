import type { Duplex } from "node:stream";
import type { FieldList } from "@servehttp/contract";
import type { ClientResponse } from "../client/client-response.js";
import type { ResponseHead } from "../edge/response-head.js";

/**
 * A response that gets a script at its end if it is a page: HTML that is not compressed, in a
 * charset that has ASCII in it, and whole (not 206). Everything else passes as it is. A page is not
 * stored by the browser, because it names the plugin's present generation.
 */
export class LiveResponse implements ClientResponse {
  readonly #response: ClientResponse;
  readonly #script: Buffer;
  #isPage = false;

  constructor(response: ClientResponse, script: string) {
    this.#response = response;
    this.#script = Buffer.from(script);
  }

  get closed(): boolean {
    return this.#response.closed;
  }

  informational(status: number, fields: FieldList): void {
    this.#response.informational(status, fields);
  }

  respond(head: ResponseHead, body: Uint8Array | undefined, trailers: FieldList): void {
    if (!isPage(head)) {
      this.#response.respond(head, body, trailers);
      return;
    }
    const whole = Buffer.concat([body ?? Buffer.alloc(0), this.#script]);
    this.#response.respond(pageHead(head, this.#script.length), whole, trailers);
  }

  begin(head: ResponseHead): void {
    this.#isPage = isPage(head);
    this.#response.begin(this.#isPage ? pageHead(head, this.#script.length) : head);
  }

  write(chunk: Uint8Array): void | Promise<void> {
    return this.#response.write(chunk);
  }

  flush(): void {
    this.#response.flush();
  }

  end(trailers: FieldList): void {
    if (this.#isPage) {
      void this.#response.write(this.#script);
    }
    this.#response.end(trailers);
  }

  break(): void {
    this.#response.break();
  }

  discardRequestBody(): void {
    this.#response.discardRequestBody();
  }

  hijack(): Duplex | undefined {
    return this.#response.hijack();
  }

  release(): void {
    this.#response.release();
  }
}

function isPage({ status, fields, bodyAllowed }: ResponseHead): boolean {
  const type = fieldOf(fields, "content-type") ?? "";
  const encoding = fieldOf(fields, "content-encoding") ?? "identity";
  return (
    bodyAllowed &&
    status !== 206 &&
    /^text\/html *(?:;|$)/i.test(type) &&
    !/charset *= *"?utf-?(?:16|32)/i.test(type) &&
    encoding.toLowerCase() === "identity"
  );
}

/** What says how long the page is, and whether it may be kept, is another thing with the script. */
const replaced: ReadonlySet<string> = new Set([
  "cache-control",
  "content-digest",
  "content-length",
  "content-md5",
  "digest",
  "etag",
  "expires",
  "last-modified",
  "repr-digest",
]);

function pageHead(head: ResponseHead, moreBytes: number): ResponseHead {
  const fields: string[] = [];
  for (let at = 0; at + 1 < head.fields.length; at += 2) {
    const name = head.fields[at] ?? "";
    if (!replaced.has(name.toLowerCase())) {
      fields.push(name, head.fields[at + 1] ?? "");
    }
  }
  fields.push("Cache-Control", "no-store");
  if (head.contentLength === undefined) {
    return { ...head, fields };
  }
  const contentLength = head.contentLength + moreBytes;
  fields.push("Content-Length", String(contentLength));
  return { ...head, fields, contentLength };
}

function fieldOf(fields: FieldList, lower: string): string | undefined {
  for (let at = 0; at + 1 < fields.length; at += 2) {
    if (fields[at]?.toLowerCase() === lower) {
      return fields[at + 1];
    }
  }
  return undefined;
}
