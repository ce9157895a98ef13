import { randomBytes } from "node:crypto";
import type { Check } from "./checks/check.js";
import { checks } from "./checks/index.js";
import { Scene } from "./checks/scene.js";
import { carriersOf, PluginUnderTest } from "./plugin/plugin-under-test.js";
import { KnownFailures } from "./report/known-failures.js";
import type { Report, Result } from "./report/result.js";
import { UsageError } from "./usage-error.js";
import { Deadline } from "./wire/deadline.js";
import type { CarrierName } from "./wire/host.js";

/** Options of `runKit`. */
export interface KitOptions {
  /**
   * The plugin: a command that starts it, `unix:/path`, or `http://host:port` where one runs. A
   * command is one program with its arguments, as a shell splits them.
   */
  readonly plugin: string;
  /** What a plugin at an address wants to be shown. Default: nothing. A command gets a token. */
  readonly token?: string | undefined;
  /** The carriers to check. Default: those that the plugin offers. */
  readonly carriers?: readonly CarrierName[] | undefined;
  /** Only these: a row ("Q7") or a check ("Q7.reset"). Default: all. */
  readonly only?: readonly string[] | undefined;
  /** Repeats everything random. Default: a new one. */
  readonly seed?: string | undefined;
  /** The checks that must fail, as the text of a list. Default: none. */
  readonly knownFailures?: string | undefined;
  /** What the list of known failures is called in messages. Default: "known failures". */
  readonly knownFailuresFile?: string | undefined;
  /** How long each check may take, in seconds. Default: 20. */
  readonly timeoutSeconds?: number | undefined;
  /** Is told of each result at once. */
  readonly onResult?: ((result: Result) => void) | undefined;
}

/** How long a plugin may take to answer its first question. */
const startSeconds = 30;
/** Of a long exchange the last lines are enough. */
const traceLinesMax = 12;

/**
 * Runs the checks against a plugin, one after the other.
 *
 * @throws UsageError for options that can't be right
 * @throws NotReady where no plugin answers
 */
export async function runKit(options: KitOptions): Promise<Report> {
  const { timeoutSeconds = 20, seed = randomBytes(6).toString("hex") } = options;
  const chosen = chosenChecks(options.only);
  const known =
    options.knownFailures === undefined
      ? KnownFailures.none
      : KnownFailures.read(options.knownFailures, options.knownFailuresFile ?? "known failures");
  await using plugin = new PluginUnderTest(options.plugin, options.token, startSeconds);
  const description = await plugin.ready();
  const offered = carriersOf(description);
  const missing = options.carriers?.find((carrier) => !offered.includes(carrier));
  if (missing !== undefined) {
    throw new UsageError(`the plugin does not offer the carrier ${missing}`);
  }
  const results: Result[] = [];
  for (const carrier of options.carriers ?? offered) {
    for (const check of chosen) {
      if (check.carriers?.includes(carrier) ?? true) {
        const result = await resultOf(check, carrier, { plugin, seed, timeoutSeconds, known });
        results.push(result);
        options.onResult?.(result);
      }
    }
  }
  return {
    software: description.software,
    seed,
    results,
    asExpected: !results.some(({ outcome }) => outcome === "failed" || outcome === "fixed"),
  };
}

/**
 * The checks that `only` names.
 *
 * @throws UsageError where it names none
 */
export function chosenChecks(only: readonly string[] | undefined): readonly Check[] {
  for (const name of only ?? []) {
    if (!checks.some(({ id }) => isNamed(id, name))) {
      throw new UsageError(`there is no row and no check ${name}; --list names them all`);
    }
  }
  return checks.filter(({ id }) => only?.some((name) => isNamed(id, name)) ?? true);
}

function isNamed(id: string, name: string): boolean {
  return id === name || id.startsWith(`${name}.`);
}

interface Run {
  readonly plugin: PluginUnderTest;
  readonly seed: string;
  readonly timeoutSeconds: number;
  readonly known: KnownFailures;
}

async function resultOf(check: Check, carrier: CarrierName, run: Run): Promise<Result> {
  const { id, text } = check;
  const about = { name: `${carrier}/${id}`, id, carrier, text };
  if (check.needsProcess === true && !run.plugin.isCommand) {
    const message = "only a plugin that the kit starts can be checked: give a command";
    return { ...about, outcome: "skipped", message, trace: [], durationMs: 0 };
  }
  const reason = run.known.reasonOf(carrier, id);
  const began = performance.now();
  const failure = await failureOf(check, carrier, run);
  const durationMs = performance.now() - began;
  if (failure === undefined) {
    const outcome = reason === undefined ? "passed" : "fixed";
    return { ...about, outcome, message: reason, trace: [], durationMs };
  }
  return reason === undefined
    ? { ...about, outcome: "failed", ...failure, durationMs }
    : { ...about, outcome: "known", message: reason, trace: failure.trace, durationMs };
}

/** Undefined where the plugin does it. */
async function failureOf(
  check: Check,
  carrier: CarrierName,
  { plugin, seed, timeoutSeconds }: Run,
): Promise<{ message: string; trace: readonly string[] } | undefined> {
  try {
    // One that a check has ended, or that has ended by itself, is started anew.
    await plugin.ready();
  } catch (error) {
    return { message: error instanceof Error ? error.message : String(error), trace: [] };
  }
  using deadline = new Deadline(timeoutSeconds);
  await using scene = new Scene(plugin, carrier, deadline, `${seed}-${carrier}-${check.id}`);
  try {
    await scene.begin();
    const { process } = plugin;
    await check.run(scene);
    if (process?.ended !== undefined && check.needsProcess !== true) {
      throw new Error(`the plugin's process ended with ${process.ended}`);
    }
    return undefined;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const ended = plugin.process?.ended;
    const output = plugin.process?.output ?? "";
    const died =
      ended === undefined || check.needsProcess === true || text.includes(ended)
        ? ""
        : `; the plugin's process ended with ${ended}${output === "" ? "" : ` and printed: ${output}`}`;
    const trace = scene.exchanges.at(-1)?.trace ?? [];
    const message = `${text}${died}`.replaceAll(/\s*\n\s*/g, " | ");
    return { message, trace: trace.slice(-traceLinesMax) };
  }
}
