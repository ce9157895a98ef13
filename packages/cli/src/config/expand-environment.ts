import { saidWrong } from "../context/command-error.js";

/**
 * Puts environment variables into every string of a config: `${NAME}`, or `${NAME:-text}` with what
 * counts where the variable is missing or empty. `$${` stays as `${`. Only arrays and plain objects
 * are gone through: functions, bytes and instances of classes stay what they are.
 *
 * @param at where the value stands in the config, for messages
 * @throws CommandError for a variable that is missing
 */
export function expandEnvironment(
  value: unknown,
  environment: Readonly<Record<string, string | undefined>>,
  at = "",
): unknown {
  if (typeof value === "string") {
    return expandText(value, environment, at);
  }
  if (Array.isArray(value)) {
    return value.map((one, index) => expandEnvironment(one, environment, `${at}[${index}]`));
  }
  if (!isPlainObject(value)) {
    return value;
  }
  const entries = Object.entries(value).map(([name, one]) => [
    name,
    expandEnvironment(one, environment, at === "" ? name : `${at}.${name}`),
  ]);
  return Object.fromEntries(entries);
}

function expandText(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
  at: string,
): string {
  return text.replace(
    /\$(\$\{)|\$\{([^}]*)\}/g,
    (all, escaped: string | undefined, inside: string) => {
      if (escaped !== undefined) {
        return escaped;
      }
      const [, name = "", otherwise] = /^([A-Za-z_]\w*)(?::-(.*))?$/s.exec(inside) ?? [];
      if (name === "") {
        throw saidWrong(`${at}: ${all} names no environment variable; write $${all} for the text`);
      }
      const found = environment[name];
      if (otherwise === undefined ? found === undefined : found === undefined || found === "") {
        if (otherwise === undefined) {
          throw saidWrong(`${at}: the environment variable ${name} is missing`);
        }
        return otherwise;
      }
      return found ?? "";
    },
  );
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  // Also those of another realm, as config loaders make them.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
