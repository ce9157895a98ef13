// Addresses without a slash in front are relative to the page, wherever the host has put it.
const notes = await (await fetch("notes")).json();
document
  .querySelector("#said")
  .append(
    ...notes.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
  );

new EventSource("events").addEventListener("message", ({ data }) => {
  document.querySelector("#seconds").textContent = data;
});
