/** Throws in one line where two values differ. */
export function expectEqual(found: unknown, wanted: unknown, what: string): void {
  const [one, other] = [textOf(found), textOf(wanted)];
  if (one !== other) {
    throw new Error(`${what}: ${shortened(one)} in place of ${shortened(other)}`);
  }
}

/** Throws where a condition does not hold. */
export function expectThat(condition: boolean, otherwise: string): void {
  if (!condition) {
    throw new Error(otherwise);
  }
}

function textOf(value: unknown): string {
  return JSON.stringify(value) ?? "nothing";
}

function shortened(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
