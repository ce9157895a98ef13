/** Where a plugin's pages find the script, behind the plugin's base path. */
export const scriptPath = "/.servehttp/live.js";

/** Where the script learns of changes, as server-sent events. */
export const eventsPath = "/.servehttp/live";

/**
 * Reloads the page when the plugin is another one than when the page was made. The generation that
 * made the page stands in the script's own URL.
 */
export const liveScript = `(() => {
  if (window.servehttpLive) {
    return;
  }
  window.servehttpLive = true;
  const at = new URL(document.currentScript.src);
  const generation = at.search.slice(1);
  const events = new EventSource(at.pathname.slice(0, -".js".length));
  events.addEventListener("generation", ({ data }) => {
    if (data !== generation) {
      events.close();
      location.reload();
    }
  });
  events.addEventListener("failure", ({ data }) => {
    console.error("[servehttp] the plugin did not start, its old version keeps running\\n" + JSON.parse(data));
  });
  addEventListener("pagehide", () => events.close());
})();
`;

/** What stands at the end of a page. The browser takes a script behind `</html>` as well. */
export function scriptTag(basePath: string, generation: string): string {
  return `\n<script async src="${basePath}${scriptPath}?${generation}"></script>\n`;
}
