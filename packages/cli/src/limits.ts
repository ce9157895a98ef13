/** Where it listens when nobody says: on this machine alone. */
export const listenDefault = { host: "127.0.0.1", port: 8080 } as const;

/** The forms of the admin's address, for messages. */
export const adminForms = '"host:port", "unix:/path" or "fd:N"';

/** Between two lines that say how long a drain still takes, in milliseconds. */
export const countdownMs = 1_000;

/** How often the table of the terminal is drawn, in milliseconds. */
export const tableMs = 1_000;

/** A question to the program that holds an address, such as a stale socket, in milliseconds. */
export const probeMs = 1_000;

/** For `python3` to say whether it has the SDK, in milliseconds. */
export const pythonProbeMs = 5_000;

/** Records of the log that are kept of each plugin, for `servehttp logs`. */
export const logTailRecordsMax = 500;

/** Plugins of which some are kept. */
export const logTailPluginsMax = 1_000;

/** What is waiting for a client of `servehttp logs` that does not read, in bytes; then it is cut off. */
export const logWaitingBytesMax = 1_048_576;

/** How often a config is looked at that is watched, in milliseconds. */
export const configPollMs = 300;

/**
 * How long a connection that nobody uses is kept, in milliseconds: longer than proxies keep theirs
 * (60 s), so that a request never meets one that is just being closed. Node's own is 5 s.
 */
export const keepAliveMs = 75_000;

/**
 * How long connections of a host that another one has replaced may stay unused, in milliseconds:
 * each closes with its next response, and few are used less often than that.
 */
export const retireMs = 7_000;

/** The longest time that a host serves on when it is told to stop, in milliseconds: an hour. */
export const lameDuckMsMax = 3_600_000;

/** Processes that serve connections: 256, more than any machine has processors. */
export const workersMax = 256;

/** Connections that wait while no worker takes any: 1,024. Those beyond are closed. */
export const workerConnectionsMax = 1_024;

/**
 * When a worker that has ended is started again: at once after 10 s, else after 100 ms, doubling; not
 * any more after 5 failures within a minute.
 */
export const workerRestarts = {
  delayMsMin: 100,
  failuresMax: 5,
  steadyMs: 10_000,
  windowMs: 60_000,
} as const;

/** How long a scrape of `/metrics` waits for what the workers have measured, in milliseconds. */
export const workerMetricsMs = 1_000;
