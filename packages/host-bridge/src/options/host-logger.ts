import { isThenable, type Logger } from "@servehttp/contract";
import { pino } from "pino";
import { LogFollowers, type LogLevel, type LogRecord } from "./log-records.js";
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

/** The log of a host: where it writes, and whoever follows it. */
export interface HostLogger extends Required<Logger> {
  /** Calls back for each record that the logger takes. Returns the function that ends it. */
  follow(follower: (record: LogRecord) => void): () => void;
  /** The least that is logged, as the logger says; undefined where it has no level. */
  readonly level: string | undefined;
  /** Returns false where the logger has no level that can be set. */
  setLevel(level: LogLevel): boolean;
}

/**
 * The logger of a host, from its option. It never throws: what the given one throws is lost, and
 * the host goes on. Where the given one has bindings, as pino's has, a detail of the same name is
 * left out, because it would stand twice in one record.
 */
export function hostLogger(given: Logger | false | undefined): HostLogger {
  const logger =
    given === false ? nowhere : (given ?? pino({ name: "servehttp" }, new StandardOutput()));
  const bound = boundNames(logger);
  const followers = new LogFollowers();
  const method =
    (level: (typeof levels)[number]) =>
    (details: Readonly<Record<string, unknown>>, message: string) => {
      if (!followers.isEmpty && takes(logger, level)) {
        followers.tell({ at: new Date(), level, details, message });
      }
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
    follow: (follower) => followers.add(follower),
    get level() {
      return levelOf(logger);
    },
    setLevel: (level) => setLevel(logger, level),
  };
}

/** What pino's loggers have beside their methods, as far as it is used here. */
interface LevelledLogger {
  level?: unknown;
  isLevelEnabled?: unknown;
}

function takes(logger: object, level: (typeof levels)[number]): boolean {
  const { isLevelEnabled } = logger as LevelledLogger;
  try {
    return typeof isLevelEnabled !== "function" || isLevelEnabled.call(logger, level) !== false;
  } catch {
    return true;
  }
}

function levelOf(logger: object): string | undefined {
  const { level } = logger as LevelledLogger;
  return typeof level === "string" ? level : undefined;
}

function setLevel(logger: object, level: LogLevel): boolean {
  if (levelOf(logger) === undefined) {
    return false;
  }
  try {
    (logger as LevelledLogger).level = level;
    return levelOf(logger) === level;
  } catch {
    // It knows no such level.
    return false;
  }
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
