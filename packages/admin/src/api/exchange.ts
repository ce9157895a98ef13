import { z } from "zod";

/** What the API says of exchanges: requests with their responses that are open now. */

/** Where an exchange stands. */
export const exchangeStates = ["unanswered", "headed", "responding", "tunnel"] as const;

/** Whom an exchange waits for. */
export const exchangeWaits = [
  "client-to-send",
  "client-to-read",
  "plugin-to-read",
  "plugin-to-write",
] as const;

export const exchangeSchema = z
  .object({
    id: z.string().describe("The request's id, as the log has it."),
    plugin: z.string().describe("The id of the plugin that answers it."),
    method: z.string(),
    path: z.string().describe("As the plugin sees it, without the query."),
    remoteAddress: z.string().describe("The client, as the plugin sees it; may be empty."),
    startedAt: z.iso.datetime().describe("In UTC, ISO 8601."),
    ageMs: z.number().min(0).describe("In milliseconds."),
    state: z
      .enum(exchangeStates)
      .describe(
        "unanswered: the plugin has sent no head yet. headed: its head has come, nothing has gone to the client. responding: the head has gone out. tunnel: the plugin took the connection over, as for a WebSocket.",
      ),
    status: z.int().nullable().describe("The response's status once its head has come."),
    requestBytes: z
      .int()
      .min(0)
      .describe("Of the request's body, or of the tunnel, towards the plugin so far."),
    responseBytes: z
      .int()
      .min(0)
      .describe("Of the response's body, or of the tunnel, towards the client so far."),
    waitsFor: z
      .enum(exchangeWaits)
      .nullable()
      .describe(
        "client-to-read: the client is slow, bytes of the plugin wait for it. plugin-to-read: no credit, the plugin does not take the client's bytes. client-to-send: the request's body has not come whole. plugin-to-write: the plugin is slow to answer or to go on. null: a tunnel on which nothing waits.",
      ),
  })
  .describe("An exchange that is open now.");

/** An exchange that is open now. */
export type OpenExchange = z.infer<typeof exchangeSchema>;

export const exchangePageSchema = z
  .object({
    total: z.int().min(0).describe("How many there are that fit the query, on all pages."),
    waits: z
      .record(z.enum(exchangeWaits), z.int().min(0))
      .describe("How many wait for whom, of those that fit the query without its waitsFor."),
    exchanges: z.array(exchangeSchema).describe("Oldest first."),
    next: z
      .string()
      .nullable()
      .describe("The parameter `after` of the next page; null: this is the last one."),
  })
  .describe("A page of the exchanges that are open now.");

/** A page of the exchanges that are open now. */
export type ExchangePage = z.infer<typeof exchangePageSchema>;
