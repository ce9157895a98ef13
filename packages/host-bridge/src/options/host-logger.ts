import { isThenable, type Logger } from "@servehttp/contract";
import { pino } from "pino";
import { StandardOutput } from "./standard-output.js";

const levels = ["debug", "info", "warn", "error"] as const;

/** Whether the option `logger` may have this value. */
export function isLogger(given: unknown): boolean {
  if (typeof given !== "object" || given === null) {
    return given === false;
  }
  const methods = given as Readonly<Record<string, unknown>>;
  return (
    typeof methods["warn"] === "function" &&
    typeof methods["error"] === "function" &&
    levels.every((level) => ["undefined", "function"].includes(typeof methods[level]))
  );
}

/**
 * The logger of a host, from its option. It never throws: what the given one throws is lost, and
 * the host goes on. Where the given one has bindings, as pino's has, a detail of the same name is
 * left out, because it would stand twice in one record.
 */
export function hostLogger(given: Logger | false | undefined): Required<Logger> {
  const logger =
    given === false ? nowhere : (given ?? pino({ name: "servehttp" }, new StandardOutput()));
  const bound = boundNames(logger);
  const method =
    (level: (typeof levels)[number]) =>
    (details: Readonly<Record<string, unknown>>, message: string) => {
      try {
        const returned: unknown = logger[level]?.(without(details, bound), message);
        if (isThenable(returned)) {
          returned.then(undefined, lost);
        }
      } catch {
        lost();
      }
    };
  return {
    debug: method("debug"),
    info: method("info"),
    warn: method("warn"),
    error: method("error"),
  };
}

function boundNames(logger: object): ReadonlySet<string> {
  const { bindings } = logger as { bindings?: unknown };
  try {
    const found: unknown = typeof bindings === "function" ? bindings.call(logger) : undefined;
    // pino tells of all but these two.
    return new Set(found === undefined ? [] : [...Object.keys(found ?? {}), "pid", "hostname"]);
  } catch {
    return new Set();
  }
}

function without(
  details: Readonly<Record<string, unknown>>,
  names: ReadonlySet<string>,
): Readonly<Record<string, unknown>> {
  for (const name in details) {
    if (names.has(name)) {
      return Object.fromEntries(Object.entries(details).filter(([one]) => !names.has(one)));
    }
  }
  return details;
}

function lost(): void {
  // There is no other place to say it.
}

const nowhere: Logger = { warn: () => undefined, error: () => undefined };
