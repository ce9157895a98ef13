/**
 * Writes control characters as escapes (`\r`, `\x1b`, `\u2028`), so that foreign text stays on its
 * line, moves no cursor and sets no colour. The same for characters that change the direction of
 * text. A tab stays.
 */
export function escapeControl(text: string): string {
  let escaped = "";
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isControl(code)) {
      escaped += text.slice(from, at) + escapeOf(code);
      from = at + 1;
    }
  }
  return from === 0 ? text : escaped + text.slice(from);
}

function isControl(code: number): boolean {
  return (
    (code < 0x20 && code !== 0x09) ||
    (code >= 0x7f && code <= 0x9f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069)
  );
}

function escapeOf(code: number): string {
  if (code === 0x0a) {
    return String.raw`\n`;
  }
  if (code === 0x0d) {
    return String.raw`\r`;
  }
  const hex = code.toString(16);
  return code > 0xff ? `\\u${hex.padStart(4, "0")}` : `\\x${hex.padStart(2, "0")}`;
}
