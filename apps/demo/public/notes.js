import { ask, tellFailure } from "./ask.js";
import { byId, element } from "./element.js";

const notesUrl = "/plugins/express/notes";

/** Notes that an Express application keeps. */
export function showNotes() {
  byId("note-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const input = byId("note-text");
    void tellFailure(
      "note-status",
      change({ method: "POST", body: JSON.stringify({ text: input.value }) }),
    );
    input.value = "";
  });
  void tellFailure("note-status", refresh());
}

async function change(options, path = "") {
  const headers = { "content-type": "application/json" };
  await ask(notesUrl + path, { ...options, headers });
  await refresh();
}

async function refresh() {
  const notes = await ask(notesUrl);
  byId("note-status").textContent = "";
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
        onclick: () => void tellFailure("note-status", change({ method: "DELETE" }, `/${id}`)),
      },
      "Delete",
    ),
  );
}
