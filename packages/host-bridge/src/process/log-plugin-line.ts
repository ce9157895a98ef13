import type { Logger } from "@servehttp/contract";
import { escapeControl } from "./escape-control.js";

type RecordLevel = "debug" | "info" | "warn" | "error";

/** A record that a plugin has logged as a line of JSON. */
interface PluginRecord {
  readonly level: RecordLevel;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/**
 * Logs a line of a plugin's output, escaped. A line that is a record of the plugin's own logger
 * keeps its level, its fields and its message.
 *
 * @param cut the line was longer, and the rest of it is lost
 */
export function logPluginLine(
  logger: Required<Logger>,
  stream: "stdout" | "stderr",
  line: string,
  cut: boolean,
): void {
  if (cut) {
    logger[levelOfCut(line)]({ stream, cut }, escapeControl(line));
    return;
  }
  const record = readRecord(line);
  if (record === undefined) {
    logger.info({ stream }, escapeControl(line));
  } else {
    logger[record.level]({ ...record.fields, stream }, record.message);
  }
}

/** A line of a plugin's output, escaped. Of a record it is the message, and that of its error. */
export function lineText(line: string): string {
  const record = readRecord(line);
  if (record === undefined) {
    return escapeControl(line);
  }
  const { message } = (record.fields["err"] ?? {}) as { message?: unknown };
  return typeof message === "string" ? `${record.message}: ${message}` : record.message;
}

/**
 * Reads a record of a logger: a JSON object with a message and a level, which is pino's number or a
 * name. Undefined for every other line.
 */
function readRecord(line: string): PluginRecord | undefined {
  const record = line.startsWith("{") ? parsed(line) : undefined;
  if (record === undefined) {
    return undefined;
  }
  const level = levelOf(record["level"] ?? record["severity"] ?? record["levelname"]);
  const message = record["msg"] ?? record["message"];
  if (level === undefined || typeof message !== "string") {
    return undefined;
  }
  const own = Object.entries(record).filter(([name]) => !hostNames.has(name));
  const fields = escapedEntries(own, depthMax);
  return { level, fields, message: escapeControl(message) };
}

/** The level of a record whose line was too long to be read. */
function levelOfCut(line: string): RecordLevel {
  const [, number, name] = /^\{"level":(?:(\d+)|"(\w+)")/.exec(line) ?? [];
  return levelOf(number === undefined ? name : Number(number)) ?? "info";
}

/** Fields that the host's record has of its own. A plugin's of these names are dropped. */
const hostNames: ReadonlySet<string> = new Set([
  "level",
  "severity",
  "levelname",
  "time",
  "timestamp",
  "msg",
  "message",
  "pid",
  "hostname",
  "name",
  "v",
  "plugin",
  "pluginPid",
  "stream",
]);

const levels: ReadonlyMap<unknown, RecordLevel> = new Map([
  ["trace", "debug"],
  ["debug", "debug"],
  ["verbose", "debug"],
  ["info", "info"],
  ["notice", "info"],
  ["warn", "warn"],
  ["warning", "warn"],
  ["error", "error"],
  ["err", "error"],
  ["critical", "error"],
  ["fatal", "error"],
  ["panic", "error"],
  ["alert", "error"],
  ["emergency", "error"],
]);

function levelOf(given: unknown): RecordLevel | undefined {
  if (typeof given !== "number") {
    return typeof given === "string" ? levels.get(given.toLowerCase()) : undefined;
  }
  // Those of pino, and what lies between.
  if (given >= 50) {
    return "error";
  }
  return given >= 40 ? "warn" : given >= 30 ? "info" : "debug";
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return value as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

/** How deep a record's fields go: what lies deeper is left out. */
const depthMax = 8;

function escaped(value: unknown, name: string, depth: number): unknown {
  if (typeof value === "string") {
    // A stack is read by its lines.
    return name === "stack"
      ? value.split("\n").map(escapeControl).join("\n")
      : escapeControl(value);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  if (depth === 0) {
    return "…";
  }
  if (Array.isArray(value)) {
    return value.map((one) => escaped(one, "", depth - 1));
  }
  return escapedEntries(Object.entries(value), depth - 1);
}

function escapedEntries(
  entries: readonly (readonly [string, unknown])[],
  depth: number,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    entries.map(([name, value]) => [escapeControl(name), escaped(value, name, depth)]),
  );
}
