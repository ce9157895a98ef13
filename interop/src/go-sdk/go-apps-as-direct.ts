import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { RequestOptions } from "node:http";
import { expect, it } from "vitest";
import { Call } from "../call.js";
import type { GoApp } from "./build-go-sdk.js";

interface Row {
  readonly name: string;
  readonly path: string;
  readonly options?: RequestOptions;
  readonly body?: Buffer;
  /** Default: all. */
  readonly apps?: readonly GoApp[];
}

const file = randomBytes(300_000);
const upload: Pick<Row, "options" | "body"> = {
  options: {
    method: "POST",
    headers: { "Content-Type": "multipart/form-data; boundary=frontier" },
  },
  body: Buffer.concat([
    Buffer.from(
      '--frontier\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n',
    ),
    file,
    Buffer.from("\r\n--frontier--\r\n"),
  ]),
};

const rows: readonly Row[] = [
  { name: "answers with JSON and a cookie", path: "/hello/w%C3%B6rld?q=1" },
  { name: "answers HEAD", path: "/file", options: { method: "HEAD" } },
  { name: "says what it does not have", path: "/nowhere" },
  {
    name: "compresses in its middleware",
    path: "/large",
    options: { headers: { "Accept-Encoding": "gzip" } },
  },
  { name: "takes a file in a form", path: "/upload", ...upload },
  { name: "streams events", path: "/stream" },
  { name: "recovers from a panic", path: "/panic" },
  { name: "serves a range", path: "/file", options: { headers: { Range: "bytes=10-19" } } },
  { name: "says 304", path: "/file", options: { headers: { "If-None-Match": '"one"' } } },
  {
    name: "passes trailers and 103 on",
    path: "/around",
    options: { headers: { TE: "trailers" } },
    apps: ["proxy"],
  },
];

/** An application behind a host answers as it does on net/http itself. Origins have no slash at the end. */
export function itAnswersAsDirect(
  app: GoApp,
  behindHost: () => string,
  direct: () => string,
): void {
  it.each(rows.filter(({ apps }) => apps?.includes(app) ?? true))("$name", async (row) => {
    const [found, wanted] = [await answer(behindHost(), row), await answer(direct(), row)];
    expect(found).toEqual(wanted);
    expect(wanted.status).toBeGreaterThan(100);
  });

  it("gives back the messages of a WebSocket", async () => {
    const socket = new WebSocket(`${behindHost().replace("http", "ws")}/websocket`);
    await once(socket, "open");
    const echoed = once(socket, "message");
    socket.send("there and back");
    expect((await echoed)[0].data).toBe("there and back");
    const closed = once(socket, "close");
    socket.close(1000);
    expect((await closed)[0].code).toBe(1000);
  });
}

/** What a client sees that depends neither on time nor on the framing of HTTP/1, which is the host's. */
async function answer(origin: string, { path, options, body }: Row) {
  const call = new Call(`${origin}${path}`, options);
  if (body !== undefined) {
    await call.write(body);
  }
  call.end();
  const { status, rawHeaders, rawTrailers, body: answered } = await call.result();
  const headers = rawHeaders
    .flatMap((name, at, all) => (at % 2 === 0 ? [`${name.toLowerCase()}: ${all[at + 1]}`] : []))
    .filter((line) => !/^(?:date|connection|keep-alive|transfer-encoding|trailer):/.test(line));
  return {
    status,
    headers: headers.toSorted(),
    trailers: rawTrailers,
    body: answered.toString("latin1"),
    informational: call.informational,
  };
}
