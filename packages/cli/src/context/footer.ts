/** What a footer is drawn on. */
export interface FooterScreen {
  write(text: string): unknown;
  readonly columns?: number;
}

/** Lines that stay at the bottom of a terminal, below everything else that is written. */
export class Footer {
  readonly #screen: FooterScreen;
  #lines: readonly string[] = [];

  constructor(screen: FooterScreen) {
    this.#screen = screen;
  }

  /** Shows these lines in place of those before; none: no footer. Each is cut to the screen. */
  show(lines: readonly string[]): void {
    this.#erase();
    // 0 is a terminal that does not say.
    const width = (this.#screen.columns || 80) - 1;
    this.#lines = lines.map((line) => cut(line, width));
    this.#draw();
  }

  /** Runs what writes whole lines, which then stand above the footer. */
  above(write: () => void): void {
    this.#erase();
    write();
    this.#draw();
  }

  #erase(): void {
    if (this.#lines.length > 0) {
      this.#screen.write(`\u001B[${this.#lines.length}A\r\u001B[J`);
    }
  }

  #draw(): void {
    if (this.#lines.length > 0) {
      this.#screen.write(`${this.#lines.join("\n")}\n`);
    }
  }
}

/** The styles of `util.styleText` take no room. */
// oxlint-disable-next-line no-control-regex -- what begins a style is a control character
const styles = /(\u001B\[\d+m)/;

function cut(line: string, width: number): string {
  let left = width;
  return line
    .split(styles)
    .map((piece) => {
      if (styles.test(piece)) {
        return piece;
      }
      const kept = piece.slice(0, left);
      left -= kept.length;
      return kept;
    })
    .join("");
}
