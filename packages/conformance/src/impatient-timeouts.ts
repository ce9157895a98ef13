/** Time-outs of the plugin `impatient`: short for a test, and long enough for a busy machine. */
export const impatientTimeouts = { headMs: 500, idleMs: 500, totalMs: 1_500 } as const;
