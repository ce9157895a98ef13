const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** 12.3 MiB */
export function bytes(count) {
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0
    ? `${count} ${count === 1 ? "byte" : "bytes"}`
    : `${value.toFixed(1)} ${units[unit]}`;
}

/** 12.3 % */
export function percent(fraction) {
  return `${(fraction * 100).toFixed(1)} %`;
}

/** 42 s, 3 min, 2 h */
export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 90) {
    return `${seconds} s`;
  }
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
