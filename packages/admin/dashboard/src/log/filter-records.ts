import type { LogRecord } from "@servehttp/admin";

const levels = ["debug", "info", "warn", "error"] as const;

/** The level of a record. */
export type Level = (typeof levels)[number];

/** Those of at least a level that have each of the words in their text. */
export function filterRecords(
  records: readonly LogRecord[],
  text: string,
  least: Level,
): readonly LogRecord[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const from = levels.indexOf(least);
  return records.filter((record) => {
    if (levels.indexOf(record.level) < from) {
      return false;
    }
    const line = `${record.message} ${detailsOf(record)}`.toLowerCase();
    return words.every((word) => line.includes(word));
  });
}

/** What a record has beside its message: `code=connection-lost delayMs=500`. */
export function detailsOf({ fields }: LogRecord): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
}
