// An Express 5 application as it is: notes, with its own middleware, router and error handler.
import { servePlugin } from "@servehttp/plugin-sdk";
import express, { type ErrorRequestHandler } from "express";

/** Notes that are kept; the oldest go first. */
const notesMax = 50;
const noteCharactersMax = 200;

interface Note {
  readonly id: number;
  readonly by: string;
  readonly text: string;
}

const app = express();
const notes: Note[] = [];
let lastId = 0;

app.use(express.json({ limit: "4kb" }));

app.get("/notes", (_request, response) => {
  response.json(notes);
});

app.post("/notes", (request, response) => {
  const text: unknown = (request.body as { text?: unknown } | undefined)?.text;
  if (typeof text !== "string" || text.trim() === "" || text.length > noteCharactersMax) {
    response.status(422).json({ error: `text: 1 to ${noteCharactersMax} characters` });
    return;
  }
  const note = { id: ++lastId, by: request.get("x-user-id") ?? "guest", text };
  notes.push(note);
  notes.splice(0, notes.length - notesMax);
  response.status(201).location(`notes/${note.id}`).json(note);
});

app.delete("/notes/:id", (request, response) => {
  const index = notes.findIndex(({ id }) => String(id) === request.params.id);
  if (index < 0) {
    response.status(404).json({ error: "no such note" });
    return;
  }
  notes.splice(index, 1);
  response.status(204).end();
});

const answerBadBody: ErrorRequestHandler = (
  error: { status?: number },
  _request,
  response,
  next,
) => {
  if (error.status === undefined || error.status >= 500) {
    next(error);
    return;
  }
  response.status(error.status).json({ error: "not a body that is taken here" });
};
app.use(answerBadBody);

await servePlugin({ node: app });
