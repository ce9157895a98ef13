import { type WebSocket, WebSocketServer } from "ws";

/** One line in the room, or somebody coming or going (without a text). */
export interface ChatLine {
  readonly by: string;
  readonly text: string;
}

/**
 * What the room tells everybody: the lines from before once, then each as it comes, and how many
 * listen.
 */
export type ChatMessage =
  | { readonly kind: "history"; readonly you: string; readonly lines: readonly ChatLine[] }
  | { readonly kind: "line"; readonly line: ChatLine }
  | { readonly kind: "present"; readonly count: number };

/** How many earlier lines a new member is shown. */
const linesMax = 30;

/** The longest line: 1 KiB. If somebody sends more, ws closes the connection with 1009. */
const lineBytesMax = 1_024;

/** A member that has left this much unread is disconnected: 64 KiB. */
const bufferedBytesMax = 65_536;

/** A room of stock WebSockets: what anybody says, everybody hears. */
export class ChatRoom {
  /** Takes the upgrades: call its `handleUpgrade`, then `enter`. */
  readonly upgrades = new WebSocketServer({
    noServer: true,
    maxPayload: lineBytesMax,
    perMessageDeflate: false,
    // Browsers let a page of any site open a WebSocket to here.
    verifyClient: ({ origin, req }, answer) => answer(isOfSite(origin, req.headers.host), 403),
  });
  readonly #present = new Map<WebSocket, string>();
  #lines: ChatLine[] = [];

  /** Lets somebody in under a name. */
  enter(socket: WebSocket, name: string): void {
    this.#present.set(socket, name);
    send(socket, { kind: "history", you: name, lines: this.#lines });
    this.#tell({ kind: "present", count: this.#present.size });
    socket.on("message", (data, isBinary) => {
      if (!isBinary) {
        this.#say({ by: name, text: (data as Buffer).toString() });
      }
    });
    socket.on("close", () => {
      this.#present.delete(socket);
      this.#tell({ kind: "present", count: this.#present.size });
    });
    // A frame that breaks the protocol; ws closes the connection with the code for it.
    socket.on("error", () => undefined);
  }

  #say(line: ChatLine): void {
    if (line.text.trim() !== "") {
      this.#lines = [...this.#lines, line].slice(-linesMax);
      this.#tell({ kind: "line", line });
    }
  }

  #tell(message: ChatMessage): void {
    for (const socket of this.#present.keys()) {
      send(socket, message);
    }
  }
}

/** Whether a page of this site asks, or a program: only browsers send an Origin. */
function isOfSite(origin: string | undefined, host: string | undefined): boolean {
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
}

function send(socket: WebSocket, message: ChatMessage): void {
  if (socket.bufferedAmount > bufferedBytesMax) {
    socket.terminate();
  } else {
    socket.send(JSON.stringify(message));
  }
}
