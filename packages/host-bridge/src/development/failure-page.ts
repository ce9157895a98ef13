/** What a page tells of a plugin that is not there. */
export interface FailureFacts {
  readonly pluginId: string;
  /** What the plugin is doing: `backing-off`. */
  readonly state: string;
  /** Why it failed last, in words; undefined where it has not failed. */
  readonly message: string | undefined;
  /** The last lines on its standard error. */
  readonly stderr: readonly string[];
}

/** The same as text. */
export function failureText({ pluginId, state, message, stderr }: FailureFacts): string {
  const why = message === undefined ? "" : `: ${message}`;
  return `plugin ${pluginId} is not available (${state})${why}\n\n${stderr.join("\n")}\n`;
}

/**
 * A page that shows why a plugin did not start, with what it said, for whoever develops it.
 *
 * @param script at the end of the page
 */
export function failurePage(facts: FailureFacts, script: string): string {
  const { pluginId, state, message, stderr } = facts;
  const said = stderr.length === 0 ? "" : `<pre>${stderr.map(escaped).join("\n")}</pre>`;
  return `<!doctype html>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(pluginId)} is not available</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 3rem auto; padding: 0 1rem; color: #1c1c1c; background: #fff }
pre { font: 14px/1.45 ui-monospace, monospace; padding: 1rem; overflow-x: auto; background: #f4f1ee; border-left: 4px solid #b3261e }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #161616 } pre { background: #262322 } }
</style>
<h1>The plugin ${escaped(pluginId)} is not available</h1>
<p>It is <b>${escaped(state)}</b>${message === undefined ? "" : `: ${escaped(message)}`}.</p>
${said}${script}`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
