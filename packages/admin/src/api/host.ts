import { z } from "zod";

/** What the API says of the host. */

export const hostSchema = z
  .object({
    pid: z.int(),
    node: z.string().describe("The version of Node, such as v24.21.0."),
    startedAt: z.iso.datetime().describe("When its process began. In UTC, ISO 8601."),
    memoryBytes: z.int().describe("Resident memory of its process in bytes."),
    isReady: z.boolean().describe("Whether every required plugin is ready."),
    logLevel: z
      .string()
      .nullable()
      .describe("The least that is logged; null where the host's logger has no level."),
    hasMetrics: z.boolean().describe("Whether /metrics answers."),
  })
  .describe("The process of the host.");

/** The process of the host. */
export type HostInfo = z.infer<typeof hostSchema>;

export const healthSchema = z
  .object({
    status: z.enum(["ok", "not-ready"]),
    notReady: z
      .array(z.string())
      .optional()
      .describe("The required plugins that are not ready; only for who has the token."),
  })
  .describe("Whether the host lives, or is ready.");

/** Whether the host lives, or is ready. */
export type Health = z.infer<typeof healthSchema>;
