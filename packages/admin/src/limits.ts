/** Every bound of the admin API, with its unit and its reason. Units are the last word of each name. */

/** The least that a token may have, in characters: 16 random ones are more than anybody can try. */
export const tokenCharactersMin = 16;

/** Between two looks at the plugins, in milliseconds. */
export const sampleIntervalMs = 1_000;

/** Looks that are kept of each plugin: the last five minutes. */
export const samplesMax = 300;

/** Looks over which percentiles are counted: the last 10 s, so that a plugin with few requests has some. */
export const percentileLooks = 10;

/** Changes of state that are kept of each plugin. */
export const changesMax = 200;

/** Those of the last five minutes that stand in a list of all plugins. */
export const changesListedMax = 60;

/** Records of the log that are kept of each plugin. */
export const logRecordsMax = 500;

/** A record of it, in bytes: a line of a plugin, twice over. Of a longer one the fields are left out. */
export const logRecordBytesMax = 16_384;

/** What these records may take, in bytes: 500 lines of the usual length, and few long ones. */
export const logBytesMax = 262_144;

/** Words that are looked for in exchanges, in characters: a long path fits. */
export const exchangeMatchCharactersMax = 1_000;

/** Exchanges in one answer. */
export const exchangesPageMax = 500;

/** The longest profile, in seconds: what the contract allows. */
export const profileSecondsMax = 300;

/** The body of a request to the API, in bytes: none has more to say than a word. */
export const requestBodyBytesMax = 4_096;

/** What waits for a client of an event stream that does not read, in bytes; then it is cut off. */
export const streamWaitingBytesMax = 1_048_576;

/** Between two comments on an event stream where nothing happens, in milliseconds: proxies give up after 60 s. */
export const streamPulseMs = 15_000;

/** Event streams that are open at once. Each costs a copy of every event. */
export const streamsMax = 64;

/** Sets of attributes of one histogram: as many as OpenTelemetry's SDKs take. */
export const metricSetsMax = 2_000;

/** Between two records of the log about a collector that can't be reached, in milliseconds. */
export const exportFailureSaidMs = 60_000;

/** How long the last export of metrics, or of traces, may take when they end, in milliseconds. */
export const lastExportMs = 3_000;
