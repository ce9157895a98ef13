import type { Socket } from "node:net";
import { connectionPreface, frame, frameFlag, frameHeadBytes, frameType } from "./http2-frames.js";

/** A frame as it came. */
export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** The other end of an HTTP/2 connection. It sends what the test tells it to and nothing else. */
export class FramePeer {
  readonly socket: Socket;
  readonly frames: SeenFrame[] = [];
  /** The other end has ended the connection, in its own direction or in both. */
  ended = false;
  readonly #onFrame: (seen: SeenFrame) => void;
  #input: Buffer = Buffer.alloc(0);

  /**
   * @param side - this peer's side: a host sends the connection preface, a plugin receives it
   * @param onFrame - called for each frame, once it is in `frames`
   */
  constructor(
    socket: Socket,
    side: "host" | "plugin",
    onFrame: (seen: SeenFrame) => void = () => undefined,
  ) {
    this.socket = socket;
    this.#onFrame = onFrame;
    let prefaceLeft = side === "plugin" ? connectionPreface.length : 0;
    socket.on("data", (bytes: Buffer) => {
      this.#input = Buffer.concat([this.#input, bytes]);
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

  send(type: number, flags: number, streamId: number, payload?: Uint8Array): void {
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

  /** How many SETTINGS frames of this peer were acknowledged. */
  get settingsAcks(): number {
    return this.of(frameType.settings).filter(({ flags }) => flags === frameFlag.ack).length;
  }

  #readFrames(): void {
    for (;;) {
      const input = this.#input;
      if (input.length < frameHeadBytes) {
        return;
      }
      const end = frameHeadBytes + input.readUIntBE(0, 3);
      if (input.length < end) {
        return;
      }
      const seen: SeenFrame = {
        type: input.readUInt8(3),
        flags: input.readUInt8(4),
        streamId: input.readUInt32BE(5),
        payload: input.subarray(frameHeadBytes, end),
      };
      this.#input = input.subarray(end);
      this.frames.push(seen);
      this.#onFrame(seen);
    }
  }
}
