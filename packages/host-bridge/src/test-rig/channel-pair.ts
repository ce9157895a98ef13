import { EventEmitter } from "node:events";
import type { ProcessChannel } from "../workers/process-channel.js";

/** One end of a channel between two processes that are one, in a test. */
export class ChannelEnd extends EventEmitter implements ProcessChannel {
  connected = true;
  /** All messages that went out from here. */
  readonly sent: object[] = [];
  #other: ChannelEnd | undefined;

  static pair(): readonly [ChannelEnd, ChannelEnd] {
    const ends = [new ChannelEnd(), new ChannelEnd()] as const;
    [ends[0].#other, ends[1].#other] = [ends[1], ends[0]];
    return ends;
  }

  send(message: object): boolean {
    this.sent.push(message);
    const text = JSON.stringify(message);
    setImmediate(() => {
      if (this.connected) {
        this.#other?.emit("message", JSON.parse(text));
      }
    });
    return true;
  }

  /** As when one of the processes is gone. */
  disconnect(): void {
    for (const end of [this, this.#other]) {
      if (end?.connected === true) {
        end.connected = false;
        end.emit("disconnect");
      }
    }
  }
}
