/** Every bound of this package, with its unit and its reason. */

/**
 * Bytes of one line of a watch: one EndpointSlice as JSON. etcd takes objects of 1.5 MiB, and their
 * JSON is longer than what it stores.
 */
export const eventBytesMax = 8 * 1_024 * 1_024;

/** Bytes of a list: a Service with 100,000 endpoints needs some 40 MB. */
export const listBytesMax = 64 * 1_024 * 1_024;

/** Bytes of an answer that says why it refuses: a Status has a few hundred. */
export const refusalBytesMax = 64 * 1_024;

/** EndpointSlices of one Service that are kept. The controller puts 100 endpoints into each. */
export const slicesMax = 2_000;

/** How long the API server may take to begin an answer, in milliseconds. */
export const answerMsMax = 30_000;

/**
 * How long an open watch may say nothing, in milliseconds. The API server sends a bookmark each
 * minute; where it sends none, opening the watch again every few minutes costs it nothing.
 */
export const quietMsMax = 180_000;

/**
 * After how many seconds the API server is to close a watch at the soonest; at the latest after
 * twice as long. As client-go has it, so that watches spread over the API servers there are.
 */
export const watchSecondsMin = 300;

/** A watch that said nothing and was closed sooner than this has failed, in milliseconds. */
export const shortWatchMs = 1_000;

/** The first delay before the API server is asked again, in milliseconds. It doubles each time. */
export const retryMsMin = 500;

/** The longest such delay, in milliseconds: as client-go has it. */
export const retryMsMax = 30_000;

/**
 * After how many failures in a row everything is listed anew. A server that comes back after an
 * outage may have been restored from a backup, and then its versions mean something else.
 */
export const resumesMax = 3;

/** How often the same trouble is said, in milliseconds. */
export const sameTroubleMs = 600_000;
