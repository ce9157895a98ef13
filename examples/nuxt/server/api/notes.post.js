export default defineEventHandler(async (event) => {
  notes.push((await readBody(event)).text);
  return notes;
});
