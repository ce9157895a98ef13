import type { LogRecord, RecordLevel } from "../api/log.js";
import { recordLevels } from "../api/log.js";
import { logBytesMax, logRecordBytesMax, logRecordsMax } from "../limits.js";

/** A record as it is kept: with its JSON, which is written once for all who read it. */
export interface KeptRecord {
  readonly id: number;
  readonly level: RecordLevel;
  readonly json: string;
}

/** Which records somebody wants to see. */
export interface RecordFilter {
  /** How many of the last ones. */
  readonly tail: number;
  /** The least level. */
  readonly level: RecordLevel;
  /** Only those behind this one; then `tail` does not count. */
  readonly behindId: number | undefined;
}

/** The last records of the log about one plugin. What is kept is bounded in number and bytes. */
export class LogTail {
  readonly #records: KeptRecord[] = [];
  #bytes = 0;
  readonly #followers = new Set<(record: KeptRecord) => void>();

  add(record: LogRecord): void {
    const kept = { id: record.id, level: record.level, json: recordJson(record) };
    this.#records.push(kept);
    this.#bytes += kept.json.length;
    while (this.#records.length > logRecordsMax || this.#bytes > logBytesMax) {
      this.#bytes -= this.#records.shift()?.json.length ?? 0;
    }
    for (const follower of this.#followers) {
      follower(kept);
    }
  }

  /** Those that are kept, oldest first. */
  last({ behindId, level, tail }: RecordFilter): readonly KeptRecord[] {
    const shown = this.#records.filter((record) => isShown(record, level));
    // It has come so far with another host, which has counted further.
    const isForeign = behindId !== undefined && behindId > (this.#records.at(-1)?.id ?? 0);
    return behindId === undefined || isForeign
      ? shown.slice(Math.max(0, shown.length - tail))
      : shown.filter(({ id }) => id > behindId);
  }

  /** Calls back for each record that comes. Returns the function that ends it. */
  follow(level: RecordLevel, follower: (record: KeptRecord) => void): () => void {
    const follow = (record: KeptRecord): void => {
      if (isShown(record, level)) {
        follower(record);
      }
    };
    this.#followers.add(follow);
    return () => void this.#followers.delete(follow);
  }
}

function isShown({ level }: KeptRecord, least: RecordLevel): boolean {
  return recordLevels.indexOf(level) >= recordLevels.indexOf(least);
}

/** What details may have that JSON can't say is said in words. */
function recordJson(record: LogRecord): string {
  try {
    const json = JSON.stringify(record, sayable);
    if (json.length <= logRecordBytesMax) {
      return json;
    }
  } catch {
    // A circle, or a getter that throws.
  }
  return JSON.stringify({ ...record, fields: { leftOut: true } });
}

function sayable(_name: string, value: unknown): unknown {
  if (value instanceof Error) {
    const { message, name, stack } = value;
    // What it has beside these, such as the code of a system's error.
    return { ...Object.fromEntries(Object.entries(value)), type: name, message, stack };
  }
  return typeof value === "bigint" ? String(value) : value;
}
