/** What was sent and what came, a line each. A bulk transfer is one line. */
export class Trace {
  readonly lines: string[] = [];

  note(line: string): void {
    const kind = kindOf(line);
    const last = this.lines.at(-1);
    if (last !== undefined && kindOf(last) === kind) {
      const more = Number(/ \(\+(\d+)\)$/.exec(last)?.[1] ?? 0) + 1;
      this.lines[this.lines.length - 1] = `${last.replace(/ \(\+\d+\)$/, "")} (+${more})`;
    } else {
      this.lines.push(line);
    }
  }
}

/** A line without its numbers. */
function kindOf(line: string): string {
  return line.replace(/ \(\+\d+\)$/, "").replaceAll(/\d+/g, "N");
}
