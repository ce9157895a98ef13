import { z } from "zod";

/** What the API says of plugins. */

const at = z.iso.datetime().describe("In UTC, ISO 8601.");
const count = z.int().min(0);

/** States of a plugin, as `host.plugins` has them. */
export const pluginStates = [
  "starting",
  "ready",
  "draining",
  "backing-off",
  "failed",
  "stopping",
  "stopped",
  "in-process",
] as const;

const stateSchema = z.enum(pluginStates);

export const failureSchema = z
  .object({
    at,
    code: z.string().describe("Why, for programs: a code of ServeHTTPError."),
    message: z.string().describe("Why, in words, without what the plugin printed."),
    exitCode: z.int().nullable().describe("With what its process exited, where it did."),
    signal: z.string().nullable().describe("What ended its process, where a signal did."),
    stderr: z
      .array(z.string())
      .describe("Its last lines on standard error, escaped; 2 KiB at the most."),
  })
  .describe("Why a plugin failed once.");

/** Why a plugin failed once. */
export type Failure = z.infer<typeof failureSchema>;

export const changeSchema = z
  .object({
    at,
    state: stateSchema,
    pid: z.int().nullable().describe("Its process then, where the host started one."),
    reason: z
      .string()
      .nullable()
      .describe("Why, in words, where that is known: a failure, or a call of this API."),
    failure: failureSchema.nullable().describe("The failure that it comes from."),
  })
  .describe("A change of a plugin's state.");

/** A change of a plugin's state. */
export type StateChange = z.infer<typeof changeSchema>;

export const sampleSchema = z
  .object({
    atUnixMs: z.int().describe("When, in milliseconds since the Unix epoch."),
    requestsPerSecond: z.number().min(0).describe("Requests that ended, since the sample before."),
    p50Ms: z
      .number()
      .nullable()
      .describe(
        "Half of the requests of the last 10 s waited no longer for their response's head, in milliseconds. A bound, up to a fifth too high; null where there was none.",
      ),
    p99Ms: z.number().nullable().describe("The same for all but one in a hundred."),
    memoryBytes: z
      .int()
      .nullable()
      .describe("Resident memory of its process in bytes; null where that can't be told."),
    inFlight: count.describe("Exchanges that ran."),
    waiting: count.describe("Requests that waited for it to become ready."),
  })
  .describe("One look at a plugin.");

/** One look at a plugin. */
export type Sample = z.infer<typeof sampleSchema>;

export const seriesSchema = z
  .object({
    intervalMs: z.int().describe("Between two samples, in milliseconds."),
    atUnixMs: z.array(z.int()).describe("When each was, in milliseconds since the Unix epoch."),
    requestsPerSecond: z.array(z.number()),
    p50Ms: z.array(z.number().nullable()),
    p99Ms: z.array(z.number().nullable()),
    memoryBytes: z.array(z.int().nullable()),
    inFlight: z.array(z.int()),
    waiting: z.array(z.int()),
  })
  .describe("The last samples of a plugin, oldest first: equally long lists, for charts.");

/** The last samples of a plugin, as columns. */
export type Series = z.infer<typeof seriesSchema>;

const instanceSchema = z
  .object({
    name: z.string().describe("Its address; for a process of the host's, its number, from 0 on."),
    state: z
      .enum(["ready", "ejected", "not-ready"])
      .describe(
        "Whether it gets exchanges. An ejected one failed, and gets nothing for a while: of a host with workers, from one of them at least.",
      ),
    inFlight: count.describe("Exchanges that run on it now, in all workers."),
  })
  .describe("An instance of a plugin.");

export const pluginSchema = z
  .object({
    id: z.string(),
    state: stateSchema,
    isRequired: z.boolean().describe("Whether /readyz waits for it."),
    since: at.describe("When the state began. In UTC, ISO 8601."),
    pid: z
      .int()
      .nullable()
      .describe("Its process, where the host started it; of several, the first that is ready."),
    carrier: z.enum(["mux", "stream"]).nullable().describe("Null while it is not connected."),
    restarts: count.describe("Starts or connections after the first, over all its instances."),
    inFlight: count.describe("Exchanges that run now."),
    tunnels: count.describe("WebSockets and other connections that were taken over, among them."),
    waiting: count.describe("Requests that wait for it to become ready."),
    outcomes: z
      .record(z.string(), count)
      .describe("How requests came out so far, by outcome; those that have not been are missing."),
    failures: z.array(failureSchema).describe("The last 10 failures at most, oldest first."),
    instances: z.array(instanceSchema).describe("Its instances, but for those that leave."),
  })
  .describe("A plugin, as it is now.");

/** A plugin, as it is now. */
export type Plugin = z.infer<typeof pluginSchema>;

export const pluginWithSeriesSchema = pluginSchema
  .extend({
    series: seriesSchema,
    changes: z
      .array(z.object({ at, state: stateSchema }))
      .describe(
        "The changes of its state in the last five minutes and the one before them, oldest first; the last 60 at most. The history says more of each.",
      ),
  })
  .describe("A plugin with its last samples.");

/** A plugin with its last samples. */
export type PluginWithSeries = z.infer<typeof pluginWithSeriesSchema>;

export const pluginDetailSchema = pluginWithSeriesSchema
  .extend({
    history: z
      .array(changeSchema)
      .describe("The last 200 changes of its state since the admin was made, oldest first."),
  })
  .describe("A plugin with its last samples and its history.");

/** A plugin with its last samples and its history. */
export type PluginDetail = z.infer<typeof pluginDetailSchema>;

export const pluginListSchema = z
  .object({ plugins: z.array(pluginWithSeriesSchema) })
  .describe("All plugins, in the order in which they were added.");

/** All plugins. */
export type PluginList = z.infer<typeof pluginListSchema>;
