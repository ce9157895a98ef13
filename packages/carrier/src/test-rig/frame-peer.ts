import type { Socket } from "node:net";
import { frame, frameFlag, frameType, preface } from "../http2/frames.js";

/** A frame as it came. */
export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** The other end of an HTTP/2 connection, which says what the test tells it and nothing else. */
export class FramePeer {
  readonly socket: Socket;
  readonly frames: SeenFrame[] = [];
  /** The other end has closed its way, or all. */
  ended = false;
  #input: Buffer = Buffer.alloc(0);

  /** `side` is that of this peer: a host's sends the preface, a plugin's is sent it. */
  constructor(socket: Socket, side: "host" | "plugin") {
    this.socket = socket;
    let prefaceLeft = side === "plugin" ? preface.length : 0;
    socket.on("data", (octets: Buffer) => {
      this.#input = Buffer.concat([this.#input, octets]);
      const skipped = Math.min(prefaceLeft, this.#input.length);
      prefaceLeft -= skipped;
      this.#input = this.#input.subarray(skipped);
      this.#readFrames();
    });
    socket.on("error", () => undefined);
    socket.on("end", () => {
      this.ended = true;
    });
    socket.on("close", () => {
      this.ended = true;
    });
  }

  send(type: number, flags: number, streamId: number, payload: Uint8Array = nothing): void {
    this.socket.write(frame(type, flags, streamId, payload));
  }

  /** The payloads of the DATA frames that came. */
  get data(): Buffer {
    return Buffer.concat(this.of(frameType.data).map(({ payload }) => payload));
  }

  /** The frames of a type that came. */
  of(type: number): SeenFrame[] {
    return this.frames.filter((one) => one.type === type);
  }

  /** The code of the GOAWAY that came. */
  get goawayCode(): number | undefined {
    return this.of(frameType.goaway)[0]?.payload.readUInt32BE(4);
  }

  /** How often SETTINGS of this peer's were acknowledged. */
  get settingsAcks(): number {
    return this.of(frameType.settings).filter(({ flags }) => flags === frameFlag.ack).length;
  }

  #readFrames(): void {
    let at = 0;
    for (;;) {
      const end = at + 9 + (at + 9 <= this.#input.length ? this.#input.readUIntBE(at, 3) : 0);
      if (end > this.#input.length) {
        break;
      }
      this.frames.push({
        type: this.#input[at + 3] as number,
        flags: this.#input[at + 4] as number,
        streamId: this.#input.readUInt32BE(at + 5),
        payload: this.#input.subarray(at + 9, end),
      });
      at = end;
    }
    this.#input = this.#input.subarray(at);
  }
}

const nothing = Buffer.alloc(0);
