import { z } from "zod";

/** What went wrong with a call, for programs. */
export const problemCodes = [
  "bad-request",
  "unauthorized",
  "forbidden",
  "unknown-path",
  "unknown-plugin",
  "unknown-exchange",
  "method-not-allowed",
  "wrong-state",
  "plugin-failed",
  "not-supported",
  "too-many-streams",
  "internal",
] as const;

/** What went wrong with a call, for programs. */
export type ProblemCode = (typeof problemCodes)[number];

export const problemSchema = z
  .object({
    type: z.literal("about:blank"),
    title: z.string().describe("The words of the status."),
    status: z.int(),
    code: z
      .enum(problemCodes)
      .describe("What went wrong, for programs. More may be added: go by the status then."),
    detail: z.string().describe("What was wrong and what to do, for people. One line."),
    plugins: z
      .array(z.string())
      .optional()
      .describe("The ids that there are, where the plugin is unknown."),
    stderr: z
      .array(z.string())
      .optional()
      .describe("What the plugin said last, where it did not start."),
  })
  .describe("What went wrong with a call (RFC 9457).");

/** What went wrong with a call (RFC 9457). */
export type Problem = z.infer<typeof problemSchema>;
