/** How the page writes figures. All of it in English, whatever the browser speaks: so does the page. */

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const clockFormat = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/** `0`, `< 0.1`, `0.4`, `12`, `1,250`. */
export function formatRate(perSecond: number): string {
  if (perSecond > 0 && perSecond < 0.05) {
    return "< 0.1";
  }
  return perSecond > 0 && perSecond < 9.95 ? perSecond.toFixed(1) : grouped.format(perSecond);
}

/** `1,250` */
export function formatCount(count: number): string {
  return grouped.format(count);
}

/** `1 request`, `1,250 requests`. */
export function formatMany(count: number, one: string, many = `${one}s`): string {
  return `${grouped.format(count)} ${count === 1 ? one : many}`;
}

/** A time that something took: `0 ms`, `0.4 ms`, `12 ms`, `1.2 s`, `24 s`. */
export function formatMs(ms: number): string {
  if (ms === 0) {
    return "0 ms";
  }
  if (ms < 9.95) {
    return `${ms.toFixed(1)} ms`;
  }
  if (ms < 999.5) {
    return `${ms.toFixed(0)} ms`;
  }
  return ms < 9_950 ? `${(ms / 1_000).toFixed(1)} s` : `${grouped.format(ms / 1_000)} s`;
}

/** How long something has been so: `3 s`, `12 min`, `5 h 20 min`, `3 d 4 h`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes < 1) {
    return `${seconds} s`;
  }
  if (hours < 1) {
    return `${minutes} min`;
  }
  return hours < 24
    ? `${hours} h ${minutes % 60} min`
    : `${grouped.format(Math.floor(hours / 24))} d ${hours % 24} h`;
}

/** `512 B`, `64 KiB`, `1.2 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1_023.5 && unit < units.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  const text = unit > 0 && value < 9.95 ? value.toFixed(1) : grouped.format(value);
  return `${text} ${units[unit]}`;
}

/** The time of day, where the reader is: `14:03:12`. */
export function formatClock(unixMs: number): string {
  return clockFormat.format(unixMs);
}

/** `mail`, `mail and notes`, `mail, notes and search`. */
export function formatList(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
