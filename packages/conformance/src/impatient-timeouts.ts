/** The times of the plugin id `impatient`, short enough for a test to meet and long enough for a busy machine. */
export const impatientTimeouts = { headMs: 500, idleMs: 500, totalMs: 1_500 } as const;
