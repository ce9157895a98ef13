import type { IncomingMessage, ServerResponse } from "node:http";
import { closeInStages } from "../client/close-in-stages.js";
import { discardBody } from "../client/discard-body.js";
import { bodyLengthOf } from "./body-length.js";
import { detachFromServer } from "./detach-socket.js";
import { NodeBody } from "./request-body.js";

/**
 * Reads and drops the rest of a request that Node reads and whose response has ended. Closes the
 * connection in stages where the response says that it closes, or where the rest is not worth
 * keeping the connection.
 *
 *   reading -> whole   the request has been read: Node goes on with the connection
 *   reading -> beyond  the rest is too much; the response has not been written yet
 *   reading -> closed  Node has come to the end of the connection's last response
 *   beyond  -> closed  the response has been written
 */
export function discardOrClose(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  let state: "reading" | "whole" | "beyond" | "closed" = "reading";
  const stop = discardBody(new NodeBody(request), socket, {
    onWhole: () => {
      state = "whole";
      Reflect.deleteProperty(socket, "destroySoon");
    },
    onBeyond: () => {
      if (state !== "reading") {
        return;
      }
      state = "beyond";
      if (response.writableFinished) {
        close();
      } else {
        // It waits for the response of a request before it, say.
        response.once("finish", close);
      }
    },
  });
  const close = (): void => {
    if (state === "whole" || state === "closed") {
      return;
    }
    state = "closed";
    // From here on Node's parser can't answer what follows, either.
    socket.end();
    // In a later turn: a socket that Node has paused for its parser reads on only in the next
    // ticks, and not at all once it is detached.
    setImmediate(() => {
      stop();
      detachFromServer(socket);
      closeInStages(socket, bodyLengthOf(request));
    });
  };
  // Node calls it behind the last response on a connection, which would reset the connection.
  socket.destroySoon = close;
}
