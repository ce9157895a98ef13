import { inspect } from "node:util";
import type { Output } from "../context/command-context.js";
import { clockText } from "./clock-text.js";
import { painted, type Style } from "./painted.js";

/** A record of pino as a line for people: `12:03:04 WARN  notes: plugin failed: … (delayMs 500)`. */
export function prettyRecord(record: string, output: Output): string {
  const { level, time, plugin, msg, err, ...details } = fieldsOf(record);
  const [word, style] = levelText(Number(level));
  const paint = (as: Style, text: string) => painted(as, text, output);
  const clock = paint("dim", clockText(Number(time)));
  const name = typeof plugin === "string" ? `${paint("bold", plugin)} ` : "";
  const line = `${clock} ${paint(style, word)} ${name}${String(msg)}${paint("dim", detailsText(details))}`;
  return `${[line, ...stackLines(err)].join("\n")}\n`;
}

/** Fields that say the same in every record, or are told otherwise. */
const hidden: ReadonlySet<string> = new Set(["pid", "hostname", "name", "v"]);

function fieldsOf(record: string): Record<string, unknown> {
  const fields = JSON.parse(record) as Record<string, unknown>;
  // The name and the process are those of the command, unless the record is about a process.
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !hidden.has(name)));
}

function levelText(level: number): readonly [string, Style] {
  if (level >= 50) {
    return ["ERROR", "red"];
  }
  if (level >= 40) {
    return ["WARN ", "yellow"];
  }
  return level >= 30 ? ["INFO ", "green"] : ["DEBUG", "gray"];
}

function detailsText(details: Readonly<Record<string, unknown>>): string {
  const texts = Object.entries(details).map(([name, value]) => {
    const text = typeof value === "string" ? value : inspect(value, { breakLength: Infinity });
    return `${name} ${text}`;
  });
  return texts.length === 0 ? "" : ` (${texts.join(", ")})`;
}

function stackLines(err: unknown): readonly string[] {
  const stack = (err as { readonly stack?: unknown } | undefined)?.stack;
  return typeof stack === "string" ? stack.split("\n").map((line) => `    ${line}`) : [];
}
