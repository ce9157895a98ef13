import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { once } from "node:events";
import { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { Behaviour, NamedHandler, Scene, SceneExchange } from "../behaviour.js";
import { call, type RawConnection } from "servehttp-conformance/testing";
import { StockWebSocket } from "../frameworks/stock-web-socket.js";
import type { HandlerRequest, HandlerResponse, Observe } from "../handler.js";
import { seededBytes, sha256 } from "../seeded-bytes.js";
import { codeOf, impatient } from "./duplex.js";
import { aborted } from "./response.js";

/** Within what time one side of a tunnel must learn that the other is gone. */
const goneMsMax = 1_000;

const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
const upgradeFields =
  "Connection: Upgrade\r\n" +
  "Upgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/** The two requests that a tunnel can begin with. The host gets its socket differently for each. */
export const requestFields = ["", upgradeFields] as const;

const onHttp1 = {
  clients: ["http1"],
  notOn: { direct: "the reference listener offers no hijack" },
} as const satisfies Partial<Behaviour>;

/** Takes the connection over, and sends back what comes. */
export const echoed: NamedHandler = {
  row: "T1",
  name: "bytes that are no HTTP at all pass both ways",
  handler: echo,
};

export const tunnelBehaviours: readonly Behaviour[] = [
  {
    ...onHttp1,
    row: "T1",
    name: "a plain GET is taken over: the client sees exactly the bytes of the plugin",
    async handler(_request, response) {
      const { socket } = await response.hijack();
      socket.end("HTTP/1.1 200\n\nOK");
    },
    async check({ raw, exchange }) {
      const connection = await raw();
      connection.send(`GET ${exchange().path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      strictEqual(await connection.readAll(), "HTTP/1.1 200\n\nOK");
    },
  },
  {
    ...onHttp1,
    ...echoed,
    async check(scene) {
      for (const fields of requestFields) {
        const { connection } = await openTunnel(scene, fields);
        const bytes = seededBytes(`T1 ${fields}`, 300_000);
        connection.send(bytes);
        strictEqual(sha256(await connection.readExactly(bytes.byteLength)), sha256(bytes));
      }
    },
  },
  {
    row: "T2",
    name: "Host, Origin, Upgrade and Sec-WebSocket-* of a handshake arrive",
    clients: ["http1"],
    async handler(request, response, observe) {
      observe.event("handshake", [
        request.host,
        ...handshakeNames.map((name) => request.headers.getAll(name)),
      ]);
      response.writeHead(426);
      await response.end();
    },
    async check({ raw, exchange }) {
      const connection = await raw();
      const one = exchange();
      connection.send(
        `GET ${one.path} HTTP/1.1\r\nHost: shop.example:8080\r\nOrigin: https://shop.example\r\n` +
          `${upgradeFields}Sec-WebSocket-Protocol: chat, other\r\n` +
          "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
      );
      deepStrictEqual(await one.next("handshake"), [
        "shop.example:8080",
        ["https://shop.example"],
        ["websocket"],
        ["13"],
        ["dGhlIHNhbXBsZSBub25jZQ=="],
        ["chat, other"],
        ["permessage-deflate; client_max_window_bits"],
      ]);
      strictEqual((await connection.readResponse()).status, 426);
    },
  },
  {
    ...onHttp1,
    row: "T2",
    name: "stock WebSockets exchange text, bytes, 1 MiB, fragments and pings",
    handler: serveWebSocket,
    async check({ target, exchange }) {
      const site = { port: target.http1Port, base: "" };
      await using socket = await StockWebSocket.open(site, exchange().path);
      socket.send("grüße");
      strictEqual(await socket.message(), "grüße");
      for (const sizeBytes of [0, 1, 125, 126, 65_536, 1_048_576]) {
        const bytes = seededBytes("T2", sizeBytes);
        socket.send(bytes);
        strictEqual(await socket.message(), sha256(bytes));
      }
      const long = Buffer.from(seededBytes("T2", 524_288)).toString("hex");
      socket.send(long);
      strictEqual(sha256(await socket.message()), sha256(long));
      socket.sendFragments("frag", "ments");
      strictEqual(await socket.message(), "fragments");
      strictEqual(await socket.ping("are you there"), "are you there");
    },
  },
  {
    ...onHttp1,
    row: "T2",
    name: "close codes of stock WebSockets reach the other side, whoever closes",
    handler: serveWebSocket,
    async check({ target, exchange }) {
      const site = { port: target.http1Port, base: "" };
      const one = exchange();
      await using closing = await StockWebSocket.open(site, one.path);
      strictEqual(await closing.close(4002), 4002);
      strictEqual(await one.next("closed"), 4002);
      const other = exchange();
      await using closed = await StockWebSocket.open(site, other.path);
      closed.send("close");
      strictEqual(await closed.closed(), 4001);
      strictEqual(await other.next("closed"), 4001);
    },
  },
  {
    ...onHttp1,
    row: "T3",
    name: "bytes that came with the upgrade request are the head, later ones follow",
    async handler(_request, response, observe) {
      const { socket, head } = await response.hijack();
      socket.write(switching);
      observe.event("head", head.toString("latin1"));
      observe.event("behind", await textOf(socket));
      socket.end();
    },
    async check({ raw, exchange }) {
      const connection = await raw();
      const one = exchange();
      connection.send(`GET ${one.path} HTTP/1.1\r\nHost: a\r\n${upgradeFields}\r\nearly\0\xff`);
      strictEqual(await one.next("head"), "early\0\xff");
      connection.send("late");
      connection.finish();
      strictEqual(await one.next("behind"), "late");
    },
  },
  {
    ...onHttp1,
    row: "T3",
    name: "1 MiB on the heels of the upgrade request comes whole and in order",
    handler: echo,
    async check({ raw, exchange }) {
      const connection = await raw();
      const bytes = seededBytes("T3", 1_048_576);
      const request = `GET ${exchange().path} HTTP/1.1\r\nHost: a\r\n${upgradeFields}\r\n`;
      connection.send(Buffer.concat([Buffer.from(request), bytes]));
      strictEqual(await connection.readThrough("\r\n\r\n"), switching);
      strictEqual(sha256(await connection.readExactly(bytes.byteLength)), sha256(bytes));
    },
  },
  {
    row: "T4",
    name: "an upgrade is refused by an ordinary response with a body",
    clients: ["http1"],
    async handler(_request, response) {
      response.headers.set("x-reason", "members only");
      response.writeHead(403);
      await response.end("not you");
    },
    async check({ raw, target, exchange }) {
      const connection = await raw();
      connection.send(`GET ${exchange().path} HTTP/1.1\r\nHost: a\r\n${upgradeFields}\r\n`);
      const { status, headers, body } = await connection.readResponse();
      strictEqual(status, 403);
      strictEqual(headers.find(([name]) => name.toLowerCase() === "x-reason")?.[1], "members only");
      strictEqual(Buffer.from(body).toString(), "not you");
      const site = { port: target.http1Port, base: "" };
      await rejects(StockWebSocket.open(site, exchange().path), /Unexpected server response: 403/);
    },
  },
  {
    row: "T4",
    name: "an upgrade to a plugin that nobody knows is 404",
    clients: ["http1"],
    notOn: { direct: "there are no plugins" },
    async check({ raw }) {
      const connection = await raw();
      connection.send(`GET /plugins/nobody/ HTTP/1.1\r\nHost: a\r\n${upgradeFields}\r\n`);
      strictEqual((await connection.readResponse()).status, 404);
    },
  },
  {
    ...onHttp1,
    row: "T5",
    name: "a second hijack is already-hijacked, and the first connection answers",
    async handler(_request, response) {
      const { socket } = await response.hijack();
      const code = await refusalOf(response);
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${code.length}\r\n\r\n${code}`);
    },
    async check(scene) {
      for (const fields of requestFields) {
        const connection = await scene.raw();
        connection.send(`GET ${scene.exchange().path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
        const { body } = await connection.readResponse();
        strictEqual(Buffer.from(body).toString(), "already-hijacked");
      }
    },
  },
  {
    row: "T5",
    name: "a hijack behind the commit is already-committed, and the response goes on",
    notOn: onHttp1.notOn,
    async handler(_request, response) {
      response.writeHead(202);
      await response.write(await refusalOf(response));
      await response.end(`, ${await refusalOf(response)}`);
    },
    async check({ client, exchange }) {
      const { status, body } = await call(client, { path: exchange().path });
      strictEqual(status, 202);
      strictEqual(Buffer.from(body).toString(), "already-committed, already-committed");
    },
  },
  {
    row: "T5",
    name: "a hijack from a client of HTTP/2 is hijack-not-possible, and can be answered",
    clients: ["http2"],
    notOn: onHttp1.notOn,
    async handler(_request, response) {
      const code = await refusalOf(response);
      response.writeHead(505);
      await response.end(code);
    },
    async check({ client, exchange }) {
      const { status, body } = await call(client, { path: exchange().path });
      strictEqual(status, 505);
      strictEqual(Buffer.from(body).toString(), "hijack-not-possible");
    },
  },
  {
    ...onHttp1,
    row: "T6",
    name: "the client ends its way, and the plugin still writes",
    async handler(_request, response) {
      const { socket } = await response.hijack();
      socket.write(switching);
      socket.end(`behind ${await textOf(socket)}`);
    },
    async check(scene) {
      for (const fields of requestFields) {
        const { connection } = await openTunnel(scene, fields);
        connection.send("the end");
        strictEqual(await connection.readAllAfterFinish(), "behind the end");
      }
    },
  },
  {
    ...onHttp1,
    row: "T6",
    name: "the plugin ends its way, and still reads",
    async handler(_request, response, observe) {
      const { socket } = await response.hijack();
      socket.end(`${switching}the end`);
      observe.event("read", await textOf(socket));
    },
    async check(scene) {
      for (const fields of requestFields) {
        const { connection, one } = await openTunnel(scene, fields);
        strictEqual(await connection.readAll(), "the end");
        connection.send("behind the end");
        connection.finish();
        strictEqual(await one.next("read"), "behind the end");
      }
    },
  },
  {
    ...onHttp1,
    row: "T6",
    name: "a handler returns and nobody listens: the client's connection ends behind what was written",
    async handler(_request, response, observe) {
      const { socket } = await response.hijack();
      socket.write(`${switching}all there is`);
      await observe.gate("return");
    },
    async check(scene) {
      for (const fields of requestFields) {
        const { connection, one } = await openTunnel(scene, fields);
        one.open("return");
        strictEqual(await soon(connection.readAll()), "all there is");
      }
    },
  },
  {
    ...onHttp1,
    row: "T6",
    name: "the plugin destroys the socket: the client's connection closes",
    async handler(request, response, observe) {
      const { socket } = await response.hijack();
      socket.resume().write(switching);
      await observe.gate("destroy");
      socket.destroy(request.url.endsWith("/error") ? new Error("broken on purpose") : undefined);
    },
    async check(scene) {
      for (const fields of requestFields) {
        for (const how of ["", "/error"]) {
          const { connection, one } = await openTunnel(scene, fields, how);
          one.open("destroy");
          await soon(connection.closed());
        }
      }
    },
  },
  {
    ...onHttp1,
    row: "T6",
    name: "the client goes away: the plugin's socket closes, whether it reads or not",
    async handler(request, response, observe) {
      const { socket } = await response.hijack();
      if (request.url.endsWith("/reads")) {
        socket.resume();
      }
      socket.write(switching);
      await new Promise((resolve) => {
        socket.once("close", resolve);
      });
      observe.event("closed");
    },
    async check(scene) {
      for (const fields of requestFields) {
        for (const how of ["", "/reads"]) {
          const { connection, one } = await openTunnel(scene, fields, how);
          connection.reset();
          await soon(one.next("closed"));
        }
      }
    },
  },
  {
    ...onHttp1,
    row: "T6",
    name: "a tunnel outlives the head, idle and total times of HTTP",
    async handler(request, response) {
      if (request.url.endsWith("/http")) {
        const ticker = setInterval(() => {
          response.write("tick").catch(() => undefined);
        }, 50);
        await aborted(request);
        clearInterval(ticker);
        return;
      }
      await echo(request, response);
    },
    async check({ raw, client, exchange }) {
      const path = impatient(exchange().path);
      const tunnels = await Promise.all(
        requestFields.map(async (fields) => {
          const connection = await raw();
          await beginTunnel(connection, path, fields);
          return connection;
        }),
      );
      // It begins later than the tunnels, so when its total time ends it theirs is over, too.
      await rejects(client.open({ path: `${path}/http` }).rest());
      for (const connection of tunnels) {
        connection.send("still there");
        strictEqual(await connection.readThrough("there"), "still there");
      }
    },
  },
];

const handshakeNames = [
  "origin",
  "upgrade",
  "sec-websocket-version",
  "sec-websocket-key",
  "sec-websocket-protocol",
  "sec-websocket-extensions",
] as const;

/** Asks for a tunnel, and reads the head that the handler writes into it. */
async function openTunnel(
  { raw, exchange }: Scene,
  fields: string,
  how = "",
): Promise<{ readonly connection: RawConnection; readonly one: SceneExchange }> {
  const one = exchange();
  const connection = await raw();
  await beginTunnel(connection, one.path + how, fields);
  return { connection, one };
}

/** The same, on a given connection and at a given path. */
export async function beginTunnel(
  connection: RawConnection,
  path: string,
  fields: string,
): Promise<void> {
  connection.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
  strictEqual(await connection.readThrough("\r\n\r\n"), switching);
}

/** Rejects when the other side takes longer to notice than it may. */
async function soon<T>(noticed: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new Error(`nothing happened within ${goneMsMax} ms`));
  }, goneMsMax);
  try {
    return await Promise.race([noticed, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function echo(_request: HandlerRequest, response: HandlerResponse): Promise<void> {
  const { socket, head } = await response.hijack();
  socket.write(switching);
  socket.write(head);
  socket.pipe(socket);
}

/** Echoes text, answers bytes with their hash, and closes with 4001 when it is told to. */
async function serveWebSocket(
  request: HandlerRequest,
  response: HandlerResponse,
  observe: Observe,
): Promise<void> {
  const { socket, head } = await response.hijack();
  const server = new WebSocketServer({ noServer: true });
  server.handleUpgrade(incomingOf(request, socket), socket, head, (webSocket: WebSocket) => {
    webSocket.on("close", (code) => observe.event("closed", code));
    webSocket.on("message", (message: Buffer, isBinary) => {
      if (!isBinary && message.toString() === "close") {
        webSocket.close(4001);
      } else {
        webSocket.send(isBinary ? sha256(message) : message.toString());
      }
    });
  });
}

/** The parts of Node's request that a WebSocket server looks at. */
function incomingOf(request: HandlerRequest, socket: Duplex): IncomingMessage {
  const incoming = new IncomingMessage(socket as Socket);
  incoming.method = request.method;
  incoming.url = request.url;
  for (const [name, value] of request.headers) {
    incoming.headers[name.toLowerCase()] = value;
  }
  return incoming;
}

/** The code with which a hijack is refused. */
async function refusalOf(response: HandlerResponse): Promise<string> {
  try {
    await response.hijack();
  } catch (error) {
    return String(codeOf(error));
  }
  return "not refused";
}

/** What comes up to the end, as Latin-1. */
async function textOf(socket: Duplex): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
  });
  await once(socket, "end");
  return text;
}
