import { z } from "zod";

/** What the API says of the log. */

/** Levels of records, the least first. */
export const recordLevels = ["debug", "info", "warn", "error"] as const;

/** The level of a record. */
export type RecordLevel = (typeof recordLevels)[number];

/** What a logger may be set to. */
export const logLevels = [...recordLevels, "silent"] as const;

export const logRecordSchema = z
  .object({
    id: z.int().describe("Counts up; also the id of its event."),
    at: z.iso.datetime().describe("In UTC, ISO 8601."),
    level: z.enum(recordLevels),
    plugin: z.string(),
    pid: z.int().nullable().describe("The plugin's process, where it is of one."),
    stream: z
      .enum(["stdout", "stderr"])
      .nullable()
      .describe("Where the plugin printed it; null: it is the host's own."),
    message: z
      .string()
      .describe("One line. Control characters are escaped, what is no UTF-8 is U+FFFD."),
    fields: z
      .record(z.string(), z.unknown())
      .describe("What else the record has, such as the request's id."),
  })
  .describe("A record of the log that is about a plugin.");

/** A record of the log that is about a plugin. */
export type LogRecord = z.infer<typeof logRecordSchema>;

export const logLevelSchema = z
  .object({ level: z.enum(logLevels).describe("The least that is logged.") })
  .describe("What the host logs.");

/** What the host logs. */
export type LogLevel = z.infer<typeof logLevelSchema>;
