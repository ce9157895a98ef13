/** How the address of one instance of a plugin is written, in words. */
export const urlForms = '"http://host:port", "https://host:port" or "unix:/path"';

/** Whether a text is the address of one instance of a plugin. */
export function isPluginUrl(url: string): boolean {
  if (url.startsWith("unix:")) {
    return url.startsWith("unix:/") && !url.includes("\0") && url.length > "unix:/".length;
  }
  const parsed = URL.parse(url);
  return (
    parsed !== null &&
    (parsed.protocol === "http:" || parsed.protocol === "https:") &&
    parsed.href === `${parsed.origin}/` &&
    // Not what the parser mends: backslashes, tabs, "?" and "#" without anything behind.
    /^https?:\/\/[^\s\\/?#@]+\/?$/i.test(url)
  );
}
