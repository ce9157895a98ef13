import type { Tone } from "../model/plugin-state.js";

/** Shapes that tell states apart where colours don't. */
const shapes: Readonly<Record<Tone, string>> = {
  live: "M6 1.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9Z",
  wait: "M6 .75a5.25 5.25 0 1 0 0 10.5A5.25 5.25 0 0 0 6 .75Zm0 1.5v7.5a3.75 3.75 0 0 1 0-7.5Z",
  bad: "m6 4.6 3.4-3.4 1.4 1.4L7.4 6l3.4 3.4-1.4 1.4L6 7.4l-3.4 3.4-1.4-1.4L4.6 6 1.2 2.6l1.4-1.4Z",
  still: "M1.5 1.5h9v9h-9Zm1.5 1.5v6h6v-6Z",
};

/** A small shape in front of the word that says the same. */
export function ToneIcon({ tone }: { readonly tone: Tone }) {
  return (
    <svg class="tone-icon" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      <path d={shapes[tone]} fill="currentColor" fill-rule="evenodd" />
    </svg>
  );
}
