import { z } from "zod";
import { changeSchema, pluginListSchema, pluginSchema, sampleSchema } from "./plugin.js";

/** The events of `/api/events`, by their names. The data of each is JSON. */

export const pluginEventSchema = z
  .object({
    plugin: pluginSchema,
    change: changeSchema
      .nullable()
      .describe(
        "The newest entry of its history, where this is news of it. One with the same `at` as the last replaces that: then more has become known of it.",
      ),
  })
  .describe("Something of a plugin has changed.");

/** Data of the event `plugin`: something of a plugin has changed. */
export type PluginEvent = z.infer<typeof pluginEventSchema>;

export const removedEventSchema = z
  .object({ id: z.string() })
  .describe("A plugin is not there any more.");

/** Data of the event `removed`: a plugin is not there any more. */
export type RemovedEvent = z.infer<typeof removedEventSchema>;

export const sampleEventSchema = z
  .object({ samples: z.record(z.string(), sampleSchema).describe("By the plugins' ids.") })
  .describe("A look at all plugins, once a second.");

/** Data of the event `sample`: a look at all plugins, once a second. */
export type SampleEvent = z.infer<typeof sampleEventSchema>;

/** The schemas of the data by the events' names. The first event of a stream is `plugins`. */
export const eventSchemas = {
  plugins: pluginListSchema,
  plugin: pluginEventSchema,
  removed: removedEventSchema,
  sample: sampleEventSchema,
} as const;
