/** The local time of day: `12:03:04`. */
export function clockText(unixMs: number): string {
  return new Date(unixMs).toTimeString().slice(0, "12:03:04".length);
}
