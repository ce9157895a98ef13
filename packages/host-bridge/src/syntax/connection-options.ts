import { comparableName, trimFieldValue } from "@servehttp/contract";

/**
 * Adds the fields that a Connection field names to those that others have named, by `comparableName`
 * (RFC 9110, section 7.6.1). Undefined while there are none, as nearly always. TE and Upgrade have
 * rules of their own and are left out.
 */
export function addConnectionNamed(
  named: Set<string> | undefined,
  value: string,
): Set<string> | undefined {
  if (value === "keep-alive" || value === "close" || value === "Upgrade") {
    return named;
  }
  let all = named;
  for (const element of listElements(value)) {
    const comparable = comparableName(element);
    if (!ownOptions.has(comparable)) {
      all ??= new Set();
      all.add(comparable);
    }
  }
  return all;
}

const ownOptions: ReadonlySet<string> = new Set(["close", "keep-alive", "te", "upgrade"]);

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
