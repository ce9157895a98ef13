import { createHash } from "node:crypto";
import type { PluginRequest, ResponseWriter } from "@servehttp/plugin-sdk";

/**
 * Takes the connection over and gives back each message (RFC 6455), until the client closes. By hand, so that nothing but the SDK and
 * its engine is under test. Messages are of one frame and under 64 KiB.
 */
export async function echoWebSocket(
  request: PluginRequest,
  response: ResponseWriter,
): Promise<void> {
  const key = request.headers.get("sec-websocket-key") ?? "";
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  const { socket, head } = await response.hijack();
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      `Sec-WebSocket-Accept: ${accept.digest("base64")}\r\n\r\n`,
  );
  let received = Buffer.from(head);
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    received = Buffer.concat([received, chunk]);
    for (let frame = readFrame(received); frame !== undefined; frame = readFrame(received)) {
      received = received.subarray(frame.bytes);
      socket.write(writeFrame(frame));
      if (frame.opcode === closeOpcode) {
        socket.end();
        return;
      }
    }
  }
}

const closeOpcode = 8;

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** The first frame of a client's, with its length as it came; undefined until it is there. */
function readFrame(received: Buffer): (Frame & { readonly bytes: number }) | undefined {
  const short = received.length < 2 ? 0 : received.readUInt8(1) & 0x7f;
  const maskAt = short === 126 ? 4 : 2;
  if (received.length < maskAt + 4) {
    return undefined;
  }
  const length = short === 126 ? received.readUInt16BE(2) : short;
  const bytes = maskAt + 4 + length;
  if (received.length < bytes) {
    return undefined;
  }
  const payload = Buffer.from(received.subarray(maskAt + 4, bytes));
  for (const index of payload.keys()) {
    payload[index] = (payload[index] ?? 0) ^ (received[maskAt + (index % 4)] ?? 0);
  }
  return { opcode: received.readUInt8(0) & 0x0f, payload, bytes };
}

function writeFrame({ opcode, payload }: Frame): Buffer {
  const head = Buffer.from([0x80 | opcode, Math.min(payload.length, 126), 0, 0]);
  head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([payload.length < 126 ? head.subarray(0, 2) : head, payload]);
}
