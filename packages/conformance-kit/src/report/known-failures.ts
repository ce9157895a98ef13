import type { CheckInfo } from "../checks/check.js";
import { UsageError } from "../usage-error.js";
import type { CarrierName } from "../wire/host.js";

/** The checks that must fail, with the reason of each. */
export class KnownFailures {
  readonly #reasons: ReadonlyMap<string, string>;

  private constructor(reasons: ReadonlyMap<string, string>) {
    this.#reasons = reasons;
  }

  static readonly none = new KnownFailures(new Map());

  /**
   * Reads a list: a line for each, with the check, and then why it fails. `Q7.reset` is both carriers,
   * `mux/Q7.reset` one. Empty lines and those that begin with `#` are left out.
   *
   * @throws UsageError for a line that names no check, has no reason, or says something again
   */
  static read(text: string, file: string, checks: readonly CheckInfo[]): KnownFailures {
    const reasons = new Map<string, string>();
    for (const [index, line] of text.split("\n").entries()) {
      const [, name = "", reason = ""] = /^\s*([^\s#]\S*)\s*(.*?)\s*$/.exec(line) ?? [];
      if (name === "") {
        continue;
      }
      const at = `${file}, line ${index + 1}`;
      const names = namesOf(name, checks);
      if (names.length === 0) {
        throw new UsageError(`${at}: there is no check ${name}; --list names them all`);
      }
      if (reason === "") {
        throw new UsageError(`${at}: say why ${name} fails, behind its name`);
      }
      for (const one of names) {
        if (reasons.has(one)) {
          throw new UsageError(`${at}: ${one} is in the list already`);
        }
        reasons.set(one, reason);
      }
    }
    return new KnownFailures(reasons);
  }

  /** Why a check fails; undefined where it must not. */
  reasonOf(carrier: CarrierName, id: string): string | undefined {
    return this.#reasons.get(`${carrier}/${id}`);
  }
}

function namesOf(name: string, checks: readonly CheckInfo[]): readonly string[] {
  return checks.flatMap(({ id, carriers = ["stream", "mux"] }) =>
    carriers.map((carrier) => `${carrier}/${id}`).filter((one) => one === name || id === name),
  );
}
