import { signal } from "@preact/signals";

/** Counts how often the reader has changed between light and dark: charts are drawn anew then. */
export const themeChanges = signal(0);

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  themeChanges.value += 1;
});

/** A colour of the stylesheet, for a canvas: `--live`. */
export function colour(token: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(token);
}
