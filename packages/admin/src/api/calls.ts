import { z } from "zod";
import {
  exchangeMatchCharactersMax,
  exchangesPageMax,
  logRecordsMax,
  profileSecondsMax,
  samplesMax,
} from "../limits.js";
import { exchangePageSchema, exchangeSchema, exchangeStates, exchangeWaits } from "./exchange.js";
import { healthSchema, hostSchema } from "./host.js";
import { logLevelSchema, logRecordSchema, recordLevels } from "./log.js";
import {
  changeSchema,
  failureSchema,
  pluginDetailSchema,
  pluginListSchema,
  pluginSchema,
  pluginWithSeriesSchema,
  sampleSchema,
  seriesSchema,
} from "./plugin.js";
import { pluginEventSchema, removedEventSchema, sampleEventSchema } from "./event.js";
import { problemSchema } from "./problem.js";

/** Every schema that has a name in the description. */
export const schemas = {
  Change: changeSchema,
  Exchange: exchangeSchema,
  ExchangePage: exchangePageSchema,
  Failure: failureSchema,
  Health: healthSchema,
  Host: hostSchema,
  LogLevel: logLevelSchema,
  LogRecord: logRecordSchema,
  Plugin: pluginSchema,
  PluginDetail: pluginDetailSchema,
  PluginEvent: pluginEventSchema,
  PluginList: pluginListSchema,
  PluginWithSeries: pluginWithSeriesSchema,
  Problem: problemSchema,
  RemovedEvent: removedEventSchema,
  Sample: sampleSchema,
  SampleEvent: sampleEventSchema,
  Series: seriesSchema,
} as const;

/** The name of a schema. */
export type SchemaName = keyof typeof schemas;

/** What a call answers where it succeeds. */
export interface CallAnswer {
  readonly status: number;
  readonly description: string;
  /** Default: no body. */
  readonly type?: string;
  /** Beside `type`, as the caller asks. */
  readonly otherType?: string;
  /** Of a body in JSON. */
  readonly schema?: SchemaName;
}

/** One call of the API: the router and the description are both made of these. */
export interface Call {
  readonly method: "get" | "post" | "put" | "delete";
  /** `{name}` stands for one segment. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  /** `"anyone"`: needs no token, and takes any Host. */
  readonly access: "anyone" | "token";
  /** Reads the query; a parameter that it does not name is refused. */
  readonly query?: z.ZodObject;
  readonly body?: SchemaName;
  readonly answers: readonly CallAnswer[];
  /** Statuses of its problems beside those of every call. */
  readonly problems: readonly number[];
}

const json = (schema: SchemaName, description: string, status = 200): CallAnswer => ({
  status,
  description,
  type: "application/json",
  schema,
});

const samples = (fallback: number) =>
  z.coerce
    .number()
    .int()
    .min(0)
    .max(samplesMax)
    .default(fallback)
    .describe("How many samples of the last minutes, at most, one a second.");

const pluginAction = (verb: string, more: string): Call => ({
  method: "post",
  path: `/api/plugins/{id}/${verb}`,
  summary: `${verb[0]?.toUpperCase()}${verb.slice(1)} a plugin`,
  description: more,
  access: "token",
  answers: [json("Plugin", "Done: the plugin, as it is now.")],
  problems: [404, 409, 502],
});

/** All calls, by their ids. */
export const calls = {
  listPlugins: {
    method: "get",
    path: "/api/plugins",
    summary: "All plugins with their last samples",
    access: "token",
    query: z.object({ samples: samples(60) }),
    answers: [json("PluginList", "In the order in which they were added.")],
    problems: [],
  },
  getPlugin: {
    method: "get",
    path: "/api/plugins/{id}",
    summary: "One plugin with its samples and its history",
    access: "token",
    query: z.object({ samples: samples(samplesMax) }),
    answers: [json("PluginDetail", "The plugin.")],
    problems: [404],
  },
  reloadPlugin: pluginAction(
    "reload",
    "New processes that are ready before the old ones get nothing more: no request is lost. Where they don't start, the old ones stay. Also starts one that is given up again.",
  ),
  restartPlugin: pluginAction(
    "restart",
    "Drains it within its drainMs, ends its processes and starts new ones. Requests meanwhile wait, or are answered 503.",
  ),
  stopPlugin: pluginAction(
    "stop",
    "Drains it within its drainMs and ends its processes. Requests are answered 503 until it is started.",
  ),
  startPlugin: pluginAction("start", "Starts one that is stopped or given up, at once."),
  takeHeapSnapshot: {
    method: "post",
    path: "/api/plugins/{id}/heap-snapshot",
    summary: "Take a heap snapshot of a plugin's process",
    description:
      "A file for Chrome DevTools, with everything that is in the memory of the process, secrets among it. The process stands still until it is taken; one that takes longer than the host allows a busy process is replaced. Plugins on the Node SDK offer it to the host that has started them.",
    access: "token",
    answers: [
      { status: 200, description: "A .heapsnapshot file.", type: "application/octet-stream" },
    ],
    problems: [404, 409, 501, 502],
  },
  takeCpuProfile: {
    method: "post",
    path: "/api/plugins/{id}/cpu-profile",
    summary: "Find out where a plugin's process spends its time",
    description: "A file for Chrome DevTools, once the time is over.",
    access: "token",
    query: z.object({
      seconds: z.coerce
        .number()
        .int()
        .min(1)
        .max(profileSecondsMax)
        .default(10)
        .describe("For how long."),
    }),
    answers: [
      { status: 200, description: "A .cpuprofile file.", type: "application/octet-stream" },
    ],
    problems: [404, 409, 501, 502],
  },
  followLogs: {
    method: "get",
    path: "/api/plugins/{id}/logs",
    summary: "The log of a plugin, as events",
    description:
      "What the plugin printed and what the host said of it, as server-sent events named `record`, each with a LogRecord; its id is the event's. A client that comes again with Last-Event-ID gets what it has missed, as far as it is kept. Lines starting with a colon come every 15 s.",
    access: "token",
    query: z.object({
      tail: z.coerce
        .number()
        .int()
        .min(0)
        .max(logRecordsMax)
        .default(100)
        .describe("How many of the last records first."),
      level: z.enum(recordLevels).default("debug").describe("The least to show."),
      follow: z
        .enum(["true", "false"])
        .default("true")
        .describe("false: ends behind the records that there are."),
    }),
    answers: [{ status: 200, description: "Events named record.", type: "text/event-stream" }],
    problems: [404, 503],
  },
  listExchanges: {
    method: "get",
    path: "/api/exchanges",
    summary: "The exchanges that are open now, oldest first",
    access: "token",
    query: z.object({
      plugin: z.string().optional().describe("Of this plugin alone."),
      state: z.enum(exchangeStates).optional().describe("In this state alone."),
      waitsFor: z.enum(exchangeWaits).optional().describe("Those that wait for this alone."),
      match: z
        .string()
        .max(exchangeMatchCharactersMax)
        .optional()
        .describe(
          "Words: those alone that have each of them in their id, plugin, method, path, client, state, status or waitsFor, in capitals or not.",
        ),
      limit: z.coerce
        .number()
        .int()
        .min(1)
        .max(exchangesPageMax)
        .default(100)
        .describe("How many at most."),
      after: z.string().optional().describe("Goes on behind a page: its `next`."),
    }),
    answers: [json("ExchangePage", "A page.")],
    problems: [404],
  },
  breakExchange: {
    method: "delete",
    path: "/api/exchanges/{id}",
    summary: "Break one exchange",
    description:
      "A client that has no head yet is answered 503; otherwise its transfer is broken off. The plugin's handler sees its signal abort.",
    access: "token",
    answers: [{ status: 204, description: "Broken." }],
    problems: [404],
  },
  followEvents: {
    method: "get",
    path: "/api/events",
    summary: "What happens, as it happens",
    description:
      "Server-sent events: `plugins` first (a PluginList), then `plugin` (a PluginEvent) for each change, `removed` (a RemovedEvent), and `sample` (a SampleEvent) once a second.",
    access: "token",
    query: z.object({ samples: samples(60) }),
    answers: [
      {
        status: 200,
        description: "Events named plugins, plugin, removed and sample.",
        type: "text/event-stream",
      },
    ],
    problems: [503],
  },
  getHost: {
    method: "get",
    path: "/api/host",
    summary: "The process of the host",
    access: "token",
    answers: [json("Host", "The host.")],
    problems: [],
  },
  setLogLevel: {
    method: "put",
    path: "/api/log-level",
    summary: "Change what is logged",
    access: "token",
    body: "LogLevel",
    answers: [json("LogLevel", "What is logged from now on.")],
    problems: [501],
  },
  getDescription: {
    method: "get",
    path: "/api/openapi.json",
    summary: "This description",
    access: "token",
    answers: [{ status: 200, description: "OpenAPI 3.1.", type: "application/json" }],
    problems: [],
  },
  getMetrics: {
    method: "get",
    path: "/metrics",
    summary: "Metrics, for Prometheus",
    access: "token",
    answers: [
      {
        status: 200,
        description: "The text format, or OpenMetrics.",
        type: "text/plain",
        otherType: "application/openmetrics-text",
      },
    ],
    problems: [404],
  },
  getHealth: {
    method: "get",
    path: "/healthz",
    summary: "Whether the host lives",
    access: "anyone",
    answers: [json("Health", "It does.")],
    problems: [],
  },
  getReadiness: {
    method: "get",
    path: "/readyz",
    summary: "Whether every required plugin is ready",
    access: "anyone",
    answers: [json("Health", "They are."), json("Health", "One is not.", 503)],
    problems: [],
  },
} as const satisfies Readonly<Record<string, Call>>;

/** The id of a call. */
export type CallId = keyof typeof calls;
