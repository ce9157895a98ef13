/** What kind of value something is, for a message: "a number", "an array", "a promise". */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) {
    return String(value);
  }
  if (Array.isArray(value)) {
    return "an array";
  }
  if (typeof value !== "object") {
    return `a ${typeof value}`;
  }
  if ("then" in value) {
    return "a promise";
  }
  return Symbol.iterator in value ? "an iterable object" : "an object";
}
