import { comparableName, trimFieldValue } from "@servehttp/contract";

/**
 * The fields that a Connection field names, by `comparableName` (RFC 9110, section 7.6.1).
 * Undefined when it names none, as nearly always. TE and Upgrade have rules of their own and are
 * left out.
 */
export function connectionNamed(value: string): ReadonlySet<string> | undefined {
  if (value === "keep-alive" || value === "close" || value === "Upgrade") {
    return undefined;
  }
  let named: Set<string> | undefined;
  for (const element of listElements(value)) {
    const comparable = comparableName(element);
    if (!ownOptions.has(comparable)) {
      named ??= new Set();
      named.add(comparable);
    }
  }
  return named;
}

const ownOptions: ReadonlySet<string> = new Set(["close", "keep-alive", "te", "upgrade"]);

/** The names of both sets; undefined where there are none. */
export function mergedNames(
  one: ReadonlySet<string> | undefined,
  other: ReadonlySet<string> | undefined,
): ReadonlySet<string> | undefined {
  if (one === undefined || other === undefined) {
    return one ?? other;
  }
  return new Set([...one, ...other]);
}

/** Whether a comma-separated field value holds an element, given in lower case. */
export function hasElement(value: string, element: string): boolean {
  if (value === element) {
    return true;
  }
  if (value.length < element.length) {
    return false;
  }
  return listElements(value).some((one) => one.toLowerCase() === element);
}

/** The elements of a comma-separated field value that are not empty, without blanks around them. */
export function listElements(value: string): string[] {
  const elements: string[] = [];
  for (const element of value.split(",")) {
    const trimmed = trimFieldValue(element);
    if (trimmed !== "") {
      elements.push(trimmed);
    }
  }
  return elements;
}
