import { byId, element } from "./element.js";

const notesUrl = "/plugins/express/notes";

/** Notes that an Express application keeps. */
export function showNotes() {
  byId("note-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const input = byId("note-text");
    void change({ method: "POST", body: JSON.stringify({ text: input.value }) });
    input.value = "";
  });
  void refresh();
}

async function change(options, path = "") {
  const headers = { "content-type": "application/json" };
  const response = await fetch(notesUrl + path, { ...options, headers });
  const { error } = response.status === 204 ? {} : await response.json();
  byId("note-status").textContent = error ?? "";
  await refresh();
}

async function refresh() {
  const response = await fetch(notesUrl);
  const notes = await response.json();
  byId("notes").replaceChildren(
    ...(notes.length === 0
      ? [element("li", { class: "empty" }, "No notes yet.")]
      : notes.map(noteItem)),
  );
}

function noteItem({ id, by, text }) {
  return element(
    "li",
    {},
    element("span", {}, element("b", {}, by), " ", text),
    element(
      "button",
      {
        class: "quiet",
        type: "button",
        "aria-label": `Delete note ${id}`,
        onclick: () => void change({ method: "DELETE" }, `/${id}`),
      },
      "Delete",
    ),
  );
}
