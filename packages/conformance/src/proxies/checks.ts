import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { text } from "node:stream/consumers";
import { type HostClient, notOffered } from "../hosts/host-client.js";
import { keepAliveRace } from "./keep-alive-race.js";
import type { Route } from "./route.js";

/** Something that has to be so behind every proxy. */
export interface Check {
  readonly name: string;
  /**
   * Returns what was seen: `"yes"` where it is as it has to be, `"refused"`, `"not offered"`
   * or `"no such connections"` where the proxy has no such thing in a way that does no harm.
   */
  run(route: Route): Promise<string>;
}

const base = "/plugins/notes";

/** What a client writes who wants to be somebody else. */
const forged = {
  forwarded: "for=6.6.6.6;proto=gopher;host=evil.example",
  "x-forwarded-for": "6.6.6.6",
  "x-forwarded-host": "evil.example",
  "x-forwarded-proto": "gopher",
  "x-real-ip": "6.6.6.6",
};

interface SeenClient {
  readonly host: string;
  readonly remoteAddress: string;
  readonly scheme: string;
  readonly fields: readonly (readonly [string, string])[];
}

export const checks: readonly Check[] = [
  {
    name: "address and scheme of the client",
    async run(route) {
      await using client = route.http1();
      return sameClient(route, await seenClient(client, {}));
    },
  },
  {
    name: "a client that claims to be another is not believed",
    async run(route) {
      await using client = route.http1();
      const seen = await seenClient(client, forged);
      return JSON.stringify(seen).includes("6.6.6.6") || JSON.stringify(seen).includes("evil")
        ? `no: ${JSON.stringify(seen.fields)}`
        : sameClient(route, seen);
    },
  },
  {
    name: "nor one that names the fields in Connection",
    async run(route) {
      await using client = route.http1();
      const connection = "close, x-forwarded-for, x-forwarded-proto, forwarded";
      const { status, body } = await get(client, "/client", { ...forged, connection });
      const answer = await text(body);
      return status === 400 ? "refused" : sameClient(route, JSON.parse(answer) as SeenClient);
    },
  },
  {
    name: "Host passes",
    async run(route) {
      await using client = route.http1();
      const { host } = await seenClient(client, { host: "notes.example:8443" });
      return host === "notes.example:8443" ? "yes" : `no: ${host}`;
    },
  },
  {
    name: "an upload of 8 MiB arrives",
    async run(route) {
      await using client = route.http1();
      const bytes = randomBytes(8_388_608);
      const call = client.call("POST", `${base}/hash`);
      call.body.end(bytes);
      const { body } = await call.response;
      const hash = createHash("sha256").update(bytes).digest("hex");
      return (await text(body)) === hash ? "yes" : "no";
    },
  },
  onBoth("events arrive as they are sent", async (client, id) => {
    const { body } = await get(client, `/events?${id}`);
    const events = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const first = await events.next();
    await goOn(client, id);
    const second = await events.next();
    const all = [first, second].map(({ value }) => String(value).trim());
    return all.join() === "data: 1,data: 2" ? "yes" : `no: ${all.join()}`;
  }),
  {
    name: "WebSocket",
    async run(route) {
      await using client = route.http1();
      const sent = randomBytes(30).toString("hex");
      const echoed = await client.echoByWebSocket(`${base}/socket`, sent);
      return echoed === sent ? "yes" : "no";
    },
  },
  {
    name: "WebSocket over HTTP/2 (extended CONNECT)",
    async run(route) {
      if (!route.secure) {
        return "not offered";
      }
      await using client = await route.http2();
      try {
        const echoed = await client.echoByWebSocket(`${base}/socket`, "hello");
        return echoed === "hello" ? "yes" : "no";
      } catch (error) {
        if (error instanceof Error && error.message === notOffered) {
          return "not offered";
        }
        throw error;
      }
    },
  },
  onBoth("a 413 arrives while the upload goes on", async (client) => {
    const call = client.call("POST", `${base}/early`, { "content-length": "33554432" });
    call.body.on("error", () => undefined);
    void writeSlowly(call.body, 33_554_432);
    const { status, body } = await call.response;
    body.on("error", () => undefined);
    return status === 413 ? "yes" : `no: ${status}`;
  }),
  onBoth("a response that breaks off is seen as broken", (client, id, another) =>
    seesTheBreak("/cut", client, id, another),
  ),
  onBoth("the same with a Content-Length", (client, id, another) =>
    seesTheBreak("/cut-length", client, id, another),
  ),
  onBoth("an upload that breaks off is seen as broken", async (client, id, another) => {
    const call = client.call("POST", `${base}/upload?${id}`, { "content-length": "1000000" });
    call.response.catch(() => undefined);
    call.body.on("error", () => undefined);
    call.body.write(Buffer.alloc(200_000, "x"));
    await outcomeOf(another, `${id}-begun`);
    call.body.destroy();
    const outcome = await outcomeOf(another, id);
    return outcome === "broken" ? "yes" : `no: ${outcome}`;
  }),
  onBoth("a client that leaves a quiet stream is noticed", async (client, id, another) => {
    const { body } = await get(client, `/quiet?${id}`);
    await once(body, "data");
    body.on("error", () => undefined);
    body.destroy();
    const outcome = await outcomeOf(another, id);
    return outcome === "told" ? "yes" : `no: ${outcome}`;
  }),
  onBoth("a plugin's 103 does no harm", async (client) => {
    const { status, body } = await get(client, "/hinted");
    const answer = await text(body);
    return status === 200 && answer === "hinted" ? "yes" : `no: ${status} ${answer}`;
  }),
  {
    name: "no 502 as connections grow old (keep-alive race)",
    run: async (route) => (route.passesBytes ? "no such connections" : keepAliveRace(route)),
  },
];

/** A check over HTTP/1.1, and over HTTP/2 where the proxy has it. */
function onBoth(
  name: string,
  check: (client: HostClient, id: string, another: HostClient) => Promise<string>,
): Check {
  return {
    name,
    async run(route) {
      const found: string[] = [];
      {
        await using client = route.http1();
        found.push(await check(client, newId(), client));
      }
      if (route.secure) {
        await using client = await route.http2();
        await using another = await route.http2();
        found.push(await check(client, newId(), another));
      }
      const [first = "", second = first] = found;
      return first === second ? first : `HTTP/1.1 ${first}, HTTP/2 ${second}`;
    },
  };
}

function newId(): string {
  return randomBytes(8).toString("hex");
}

async function get(
  client: HostClient,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Awaited<ReturnType<HostClient["call"]>["response"]>> {
  const call = client.call("GET", base + path, headers);
  call.body.end();
  return call.response;
}

async function seenClient(
  client: HostClient,
  headers: Readonly<Record<string, string>>,
): Promise<SeenClient> {
  const { status, body } = await get(client, "/client", headers);
  const answer = await text(body);
  if (status !== 200) {
    throw new Error(`${status} ${answer}`);
  }
  return JSON.parse(answer) as SeenClient;
}

function sameClient(route: Route, { remoteAddress, scheme }: SeenClient): string {
  const [address, port] = remoteAddress.split(":");
  // Only the PROXY protocol tells the port.
  const isSame = address === route.clientIp && (port !== "0") === route.passesBytes;
  return isSame && scheme === (route.secure ? "https" : "http")
    ? "yes"
    : `no: ${scheme} ${remoteAddress}`;
}

/** Lets the plugin go on with the response to another request. */
async function goOn(client: HostClient, id: string): Promise<void> {
  await text((await get(client, `/go-on?${id}`)).body);
}

/** What became of another request, as the plugin says. */
async function outcomeOf(client: HostClient, id: string): Promise<string> {
  return text((await get(client, `/outcome?${id}`)).body);
}

/** Whether a client that reads a response can tell that it breaks off. */
async function seesTheBreak(
  path: string,
  client: HostClient,
  id: string,
  another: HostClient,
): Promise<string> {
  const { body } = await get(client, `${path}?${id}`);
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (bytes === 0) {
        await goOn(another, id);
      }
      bytes += chunk.length;
    }
    return `no: looks complete after ${bytes} bytes`;
  } catch {
    return "yes";
  }
}

/** Writes a body piece by piece until it is whole, or nobody takes it any more. */
async function writeSlowly(
  body: NodeJS.WritableStream & { readonly destroyed?: boolean },
  bytes: number,
): Promise<void> {
  const piece = Buffer.alloc(65_536, "x");
  let room = Promise.withResolvers<void>();
  for (const event of ["drain", "close"]) {
    body.on(event, () => room.resolve());
  }
  for (let sent = 0; sent < bytes && body.destroyed !== true; sent += piece.length) {
    room = Promise.withResolvers();
    if (!body.write(piece)) {
      // oxlint-disable-next-line no-await-in-loop -- one piece after the other
      await room.promise;
    }
    // Time to see the answer: a client that sends all the same finds its connection reset.
    // oxlint-disable-next-line no-await-in-loop
    await delay(5);
  }
  body.end();
}
