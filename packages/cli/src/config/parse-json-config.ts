import { type ParseError, parseTree, printParseErrorCode, type Node } from "jsonc-parser";
import { saidWrong } from "../context/command-error.js";

/**
 * Parses a config in JSON. Unlike `JSON.parse` it says line and column of what is wrong, and refuses
 * a name that stands twice in one object, where `JSON.parse` would drop the first value.
 *
 * @throws CommandError which begins with `file:line:column`
 */
export function parseJsonConfig(text: string, file: string): unknown {
  const errors: ParseError[] = [];
  const tree = parseTree(text.replace(/^\uFEFF/, ""), errors, { disallowComments: true });
  const [error] = errors;
  if (error !== undefined || tree === undefined) {
    const code = error === undefined ? "ValueExpected" : printParseErrorCode(error.error);
    throw saidWrong(`${placeText(text, file, error?.offset ?? 0)}: no JSON: ${words(code)}`);
  }
  return valueOf(tree, text, file);
}

function valueOf(node: Node, text: string, file: string): unknown {
  const children = node.children ?? [];
  switch (node.type) {
    case "object": {
      const value: Record<string, unknown> = {};
      for (const { children: pair = [] } of children) {
        const [key, child] = pair;
        const name = String(key?.value);
        if (key === undefined || child === undefined) {
          continue;
        }
        if (Object.hasOwn(value, name)) {
          throw saidWrong(
            `${placeText(text, file, key.offset)}: ${JSON.stringify(name)} stands twice`,
          );
        }
        Object.defineProperty(value, name, {
          value: valueOf(child, text, file),
          enumerable: true,
          configurable: true,
          writable: true,
        });
      }
      return value;
    }
    case "array":
      return children.map((child) => valueOf(child, text, file));
    default:
      return node.value;
  }
}

function placeText(text: string, file: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  return `${file}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}

/** `CommaExpected` as "comma expected". */
function words(code: string): string {
  return code.replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase();
}
