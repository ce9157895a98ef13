import { formatList, formatMany } from "./format.js";
import { lookOf } from "./plugin-state.js";

/** What the headline needs to know of a plugin. */
export interface HeadlinePlugin {
  readonly id: string;
  readonly state: string;
  /** How often it failed in the last minutes. */
  readonly failures: number;
}

/** So many failures in the last minutes are no accident. */
const failuresOften = 3;

/** Whether it fails again and again, even if it is ready at this moment. */
export function keepsFailing({ failures, state }: Omit<HeadlinePlugin, "id">): boolean {
  return failures >= failuresOften && state !== "stopped";
}

/** Says in one sentence how the plugins are: what is wrong first. */
export function headline(plugins: readonly HeadlinePlugin[]): string {
  const [only] = plugins;
  if (only === undefined) {
    return "This host has no plugins yet.";
  }
  const bad = plugins.filter(
    (plugin) => lookOf(plugin.state).tone === "bad" || keepsFailing(plugin),
  );
  if (bad.length > 0) {
    return badSentence(bad, plugins.length);
  }
  const waiting = plugins.filter(({ state }) => lookOf(state).tone === "wait");
  if (waiting.length > 0) {
    return waiting.length > 1
      ? `${formatList(firstNames(waiting))} are not ready yet.`
      : waiting.map(({ id, state }) => `${id} ${lookOf(state).says}.`).join("");
  }
  const stopped = plugins.filter(({ state }) => state === "stopped");
  if (stopped.length === plugins.length) {
    return stopped.length === 1 ? `${only.id} is stopped.` : "All plugins are stopped.";
  }
  if (stopped.length > 0) {
    const verb = stopped.length === 1 ? "is" : "are";
    return `${formatList(firstNames(stopped))} ${verb} stopped, the rest is ready.`;
  }
  return plugins.length === 1 ? `${only.id} is ready.` : `All ${plugins.length} plugins are ready.`;
}

function badSentence(bad: readonly HeadlinePlugin[], of: number): string {
  const [first] = bad;
  if (first !== undefined && bad.length === 1) {
    const isLoop = first.state !== "failed" && keepsFailing(first);
    return isLoop ? `${first.id} keeps failing.` : `${first.id} ${lookOf(first.state).says}.`;
  }
  return bad.length === of
    ? "No plugin is ready: all of them fail."
    : `${formatList(firstNames(bad))} are failing.`;
}

/** At most three names: the list below has all of them. */
function firstNames(plugins: readonly HeadlinePlugin[]): readonly string[] {
  const names = plugins.map(({ id }) => id);
  return names.length > 3 ? [...names.slice(0, 2), formatMany(names.length - 2, "other")] : names;
}
