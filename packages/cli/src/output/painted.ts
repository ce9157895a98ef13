import { styleText } from "node:util";
import type { Output } from "../context/command-context.js";

/** A colour or another way to write text, by the names of `util.styleText`. */
export type Style = Parameters<typeof styleText>[0];

/** Text in a style where the output is a terminal, and NO_COLOR is not set. */
export function painted(style: Style, text: string, output: Output): string {
  return output.isTTY === true ? styleText(style, text, { stream: process.stdout }) : text;
}
