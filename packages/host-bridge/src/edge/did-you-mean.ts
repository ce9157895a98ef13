import { closestMatch } from "leven";

/** ` (did you mean listen?)` where one of the known words is near to what was given, else nothing. */
export function didYouMean(given: string, known: readonly string[]): string {
  const maxDistance = Math.max(1, Math.round(given.length * 0.4));
  const nearest = closestMatch(given, known, { maxDistance });
  return nearest === undefined ? "" : ` (did you mean ${nearest}?)`;
}
