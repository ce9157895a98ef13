import type { RawConnection } from "../client/raw-connection.js";
import { expectEqual, expectThat } from "../checks/expect.js";
import type { HostScene } from "../host/host-scene.js";
import type { ServedExchange } from "../served/served-exchange.js";
import { answer, fieldValues } from "./answers.js";
import type { HostCheck } from "./host-check.js";

const handshake =
  "Connection: Upgrade\r\nUpgrade: websocket\r\nOrigin: http://a.example\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

const on = { over: "http1" } as const;

/** Connections that the plugin takes over. */
export const tunnelChecks: readonly HostCheck[] = [
  {
    ...on,
    id: "T1.raw",
    text: "The bytes of a tunnel are the plugin's and the client's own, both ways, as they are.",
    async run(scene) {
      const { connection, served } = await tunnelOf(scene);
      const text = "HTTP/1.1 200\n\nOK";
      await served.send({ tunnelChunk: Buffer.from(text) });
      expectEqual(await read(scene, connection, text.length), text, "the plugin's bytes");
      const bytes = scene.random(300_000);
      connection.send(bytes);
      await scene.until("the client's bytes", () => served.tunnel.length >= bytes.length);
      expectThat(served.tunnel.equals(bytes), "the client's bytes came otherwise");
    },
  },
  {
    ...on,
    id: "T2.handshake",
    text: "The fields of a WebSocket's handshake reach the plugin.",
    async run(scene) {
      const { served } = await upgrade(scene);
      const { headers, hijackable, host } = served.init;
      expectEqual([hijackable, host], [true, "a"], "hijackable, and host");
      expectEqual(
        ["connection", "upgrade", "origin", "sec-websocket-version", "sec-websocket-key"].map(
          (name) => fieldValues(headers, name).map((value) => value.toLowerCase()),
        ),
        [["upgrade"], ["websocket"], ["http://a.example"], ["13"], ["dghlihnhbxbszsbub25jzq=="]],
        "the fields",
      );
      await answer(served, 426);
    },
  },
  {
    ...on,
    id: "T3.head",
    text: "What the client sent behind its upgrade request comes first.",
    async run(scene) {
      const { connection, served } = await tunnelOf(scene, "first ");
      connection.send("second");
      const all = (): string =>
        Buffer.concat([served.init.tunnelHead, served.tunnel]).toString("latin1");
      await scene.until("the bytes at the plugin", () => all().length >= 12);
      expectEqual(all(), "first second", "the bytes");
    },
  },
  {
    ...on,
    id: "T4.refused",
    text: "A refused upgrade is an ordinary response.",
    async run(scene) {
      const { connection, served } = await upgrade(scene);
      await answer(served, 403, "not you");
      const { status, body } = await scene.within("the response", connection.readResponse());
      expectEqual([status, Buffer.from(body).toString()], [403, "not you"], "status and body");
    },
  },
  {
    ...on,
    id: "T6.half-close",
    text: "The client's half-close reaches the plugin, which can still send; then the plugin's reaches the client.",
    async run(scene) {
      const { connection, served } = await tunnelOf(scene);
      connection.finish();
      await scene.until("tunnel_end at the plugin", () => served.hasTunnelEnded);
      await served.send({ tunnelChunk: Buffer.from("still here"), tunnelEnd: true });
      expectEqual(
        await scene.within("the end of the connection", connection.readAll()),
        "still here",
        "the plugin's bytes",
      );
    },
  },
  {
    ...on,
    id: "T6.client-gone",
    text: "When the client has gone, the tunnel ends at the plugin.",
    async run(scene) {
      const { connection, served } = await tunnelOf(scene);
      connection.reset();
      await scene.until("the end of the tunnel at the plugin", () => {
        return served.givenUp !== undefined || served.hasTunnelEnded;
      });
    },
  },
  {
    ...on,
    id: "T6.plugin-gone",
    text: "When the plugin's connection is lost, the client's tunnel closes.",
    async run(scene) {
      const { connection } = await tunnelOf(scene);
      scene.plugin.behave({});
      await scene.within("the end of the client's connection", connection.closed());
      await scene.recovers();
    },
  },
];

/** An upgrade request at the plugin. */
async function upgrade(scene: HostScene, behind = "") {
  const connection = await scene.raw();
  const { path, arrival } = scene.expect();
  connection.send(`GET ${scene.host.base}${path} HTTP/1.1\r\nHost: a\r\n${handshake}\r\n${behind}`);
  return { connection, served: await scene.arrived(arrival) };
}

/** A tunnel that the plugin has opened. */
async function tunnelOf(
  scene: HostScene,
  behind?: string,
): Promise<{ connection: RawConnection; served: ServedExchange }> {
  const { connection, served } = await upgrade(scene, behind);
  const switching = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
  await served.send({ hijack: {}, tunnelChunk: Buffer.from(switching) });
  expectEqual(await read(scene, connection, switching.length), switching, "the plugin's head");
  return { connection, served };
}

async function read(scene: HostScene, connection: RawConnection, bytes: number): Promise<string> {
  const got = await scene.within(`${bytes} bytes at the client`, connection.readExactly(bytes));
  return got.toString("latin1");
}
