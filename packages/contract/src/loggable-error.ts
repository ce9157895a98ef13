/** What is kept of one text of a foreign error, in characters: 8,192, a long stack with room. */
const textLengthMax = 8_192;

/** How many causes of an error are kept: 4; longer chains repeat themselves. */
const causesMax = 4;

/**
 * Copies what somebody else's code threw into an error that any logger can write. Loggers read, and
 * even write, the properties of what they log: an error that is frozen, whose getters throw or that
 * is its own cause makes them throw in turn. The copy has the name, message, stack, code and causes
 * of the original as plain strings of bounded length. Never throws.
 */
export function loggableError(thrown: unknown): Error {
  return copyOf(thrown, causesMax);
}

function copyOf(thrown: unknown, causesLeft: number): Error {
  const cause = attempt(() => (isObject(thrown) ? thrown["cause"] : undefined));
  const options =
    cause === undefined || causesLeft === 0 ? undefined : { cause: copyOf(cause, causesLeft - 1) };
  const message = textOf(thrown, "message") ?? attempt(() => cut(String(thrown)));
  const copy = new Error(message ?? "something was thrown that can't be shown", options);
  const name = textOf(thrown, "name");
  if (name !== undefined) {
    copy.name = name;
  }
  copy.stack = textOf(thrown, "stack") ?? `${copy.name}: ${copy.message}`;
  const code = textOf(thrown, "code");
  return code === undefined ? copy : Object.assign(copy, { code });
}

function textOf(thrown: unknown, key: string): string | undefined {
  const value = attempt(() => (isObject(thrown) ? thrown[key] : undefined));
  return typeof value === "string" ? cut(value) : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function cut(text: string): string {
  return text.length > textLengthMax ? `${text.slice(0, textLengthMax)}…` : text;
}

/** The result of a function; undefined where it throws. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
