const notes = [];

export function load() {
  return { notes };
}

export const actions = {
  async default({ request }) {
    notes.push((await request.formData()).get("text"));
  },
};
