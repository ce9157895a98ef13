/** What one check has opened, closed behind it in the reverse order. Node has such a stack from 24 on. */
export class Opened implements Disposable {
  readonly #all: Disposable[] = [];

  /** Something to be closed. */
  use<T extends Disposable>(opened: T): T {
    this.#all.push(opened);
    return opened;
  }

  [Symbol.dispose](): void {
    for (const one of this.#all.splice(0).toReversed()) {
      one[Symbol.dispose]();
    }
  }
}
