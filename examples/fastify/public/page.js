// An address without a slash in front is relative to the page, wherever the host has put it.
const socket = new WebSocket("chat");

socket.addEventListener("message", ({ data }) => {
  const line = Object.assign(document.createElement("li"), { textContent: data });
  document.querySelector("#said").append(line);
});

document.querySelector("#say").addEventListener("submit", (event) => {
  event.preventDefault();
  socket.send(event.target.elements.text.value);
  event.target.reset();
});
