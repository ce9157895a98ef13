import { lookOf } from "../model/plugin-state.js";
import { ToneIcon } from "./tone-icon.js";

/** A plugin's state: a shape and a word in the colour of both. */
export function StateMark({ state }: { readonly state: string }) {
  const { tone, word } = lookOf(state);
  return (
    <span class={`state ${tone}`}>
      <ToneIcon tone={tone} />
      {word}
    </span>
  );
}
