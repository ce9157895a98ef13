/**
 * Whether a path can stand in front of another as it is: segments of letters, digits, ".", "_", "~"
 * and "-", none of them "." or "..", with or without a slash at the end. Not `"/"`.
 */
export function isPlainPath(path: string): boolean {
  return /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+\/?$/.test(path);
}
