export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export const logFormats = ["pretty", "json"] as const;

/** How the command logs. */
export interface LogSettings {
  /** Undefined: pretty where a person looks, else JSON lines. */
  readonly format: (typeof logFormats)[number] | undefined;
  readonly level: (typeof logLevels)[number];
}
