import { byId, element } from "./element.js";

/** The first wait before the room is entered again, and the longest. */
const retryMsMin = 500;
const retryMsMax = 8_000;

/** The close code of a member who leaves. */
const leftCode = 1_000;

/**
 * A room over a WebSocket. Who speaks is what the host says; signing in as somebody else enters
 * anew. A connection that ends unasked is opened again, until somebody presses Leave.
 */
export function showChat() {
  let socket;
  let retryMs = retryMsMin;
  let timer;

  const enter = () => {
    clearTimeout(timer);
    socket?.close(leftCode);
    const entered = new WebSocket("/plugins/chat/");
    socket = entered;
    show(true);
    entered.addEventListener("open", () => {
      retryMs = retryMsMin;
      byId("chat-send").disabled = socket !== entered;
    });
    entered.addEventListener("message", ({ data }) => {
      if (socket === entered) {
        take(JSON.parse(data));
      }
    });
    entered.addEventListener("close", ({ code }) => {
      if (socket === entered) {
        lost(code);
      }
    });
  };

  const lost = (code) => {
    byId("chat-send").disabled = true;
    byId("chat-present").textContent = `connection lost (${code}), entering again …`;
    timer = setTimeout(enter, retryMs);
    retryMs = Math.min(2 * retryMs, retryMsMax);
  };

  const leave = () => {
    clearTimeout(timer);
    socket.close(leftCode);
    socket = undefined;
    show(false);
    byId("chat-present").textContent = "you left";
  };

  byId("chat-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const input = byId("chat-text");
    // What can't be sent now stays in the field.
    if (input.value.trim() !== "" && socket?.readyState === WebSocket.OPEN) {
      socket.send(input.value);
      input.value = "";
    }
  });
  byId("chat-enter").addEventListener("click", enter);
  byId("chat-leave").addEventListener("click", leave);
  addEventListener("signed-in", () => {
    if (socket !== undefined) {
      enter();
    }
  });
  enter();
}

/** Shows the way out while somebody is in or about to be, and the way in otherwise. */
function show(entered) {
  byId("chat-enter").hidden = entered;
  byId("chat-leave").hidden = !entered;
  byId("chat-send").disabled = true;
}

function take(message) {
  const list = byId("chat-messages");
  switch (message.kind) {
    case "history":
      list.replaceChildren(...message.lines.map(lineItem));
      byId("chat-text").placeholder = `Say something as ${message.you}`;
      break;
    case "line":
      list.append(lineItem(message.line));
      break;
    case "present":
      byId("chat-present").textContent =
        message.count === 1 ? "1 connection" : `${message.count} connections`;
      break;
  }
  list.scrollTop = list.scrollHeight;
}

function lineItem({ by, text }) {
  return element("li", {}, element("b", {}, by), " ", text);
}
