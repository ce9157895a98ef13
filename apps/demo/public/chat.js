import { byId, element } from "./element.js";

/**
 * A room over a WebSocket. Who speaks is what the host says; signing in as somebody else enters
 * anew.
 */
export function showChat() {
  let socket;

  const enter = () => {
    socket?.close();
    const entered = new WebSocket("/plugins/chat/");
    socket = entered;
    entered.addEventListener("message", ({ data }) => take(JSON.parse(data)));
    entered.addEventListener("close", ({ code }) => {
      if (socket === entered) {
        byId("chat-present").textContent = `not connected (${code})`;
        byId("chat-enter").hidden = false;
        byId("chat-leave").hidden = true;
      }
    });
    entered.addEventListener("open", () => {
      byId("chat-enter").hidden = true;
      byId("chat-leave").hidden = false;
    });
  };

  byId("chat-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const input = byId("chat-text");
    if (input.value.trim() !== "" && socket.readyState === WebSocket.OPEN) {
      socket.send(input.value);
      input.value = "";
    }
  });
  byId("chat-enter").addEventListener("click", enter);
  byId("chat-leave").addEventListener("click", () => socket.close(1000));
  addEventListener("signed-in", enter);
  enter();
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
