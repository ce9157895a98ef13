import type { Check } from "./checks/check.js";
import { coreChecks } from "./checks/core.js";
import { checks } from "./checks/index.js";
import { Scene } from "./checks/scene.js";
import { carriersOf, PluginUnderTest } from "./plugin/plugin-under-test.js";
import type { Report } from "./report/result.js";
import {
  type CheckRun,
  type Failure,
  readRunOptions,
  runChecks,
  type RunOptions,
} from "./run-checks.js";
import { UsageError } from "./usage-error.js";
import { Deadline } from "./wire/deadline.js";
import type { CarrierName } from "./wire/host.js";

/** Options of `runKit`. */
export interface KitOptions extends RunOptions {
  /**
   * The plugin: a command that starts it, `unix:/path`, or `http://host:port` where one runs. A
   * command is one program with its arguments, as a shell splits them.
   */
  readonly plugin: string;
  /** What a plugin at an address wants to be shown. Default: nothing. A command gets a token. */
  readonly token?: string | undefined;
  /**
   * Runs the checks that need no routes: of a plugin that echoes whatever it is asked, fails where the
   * url ends with `?fail`, and says at `/cut` how many uploads were cut off. Default: false.
   */
  readonly core?: boolean | undefined;
}

/** How long a plugin may take to answer its first question. */
const startSeconds = 30;

/**
 * Runs the checks against a plugin, one after the other.
 *
 * @throws UsageError for options that can't be right
 * @throws NotReady where no plugin answers
 */
export async function runKit(options: KitOptions): Promise<Report> {
  const { core: echoes = false } = options;
  const asked = readRunOptions(options, echoes ? coreChecks : checks);
  await using plugin = new PluginUnderTest(options.plugin, options.token, startSeconds);
  const description = await plugin.ready();
  const offered = carriersOf(description);
  const missing = options.carriers?.find((carrier) => !offered.includes(carrier));
  if (missing !== undefined) {
    throw new UsageError(`the plugin does not offer the carrier ${missing}`);
  }
  const attempts = {
    skipped: (check: Check) => {
      return check.needsProcess === true && !plugin.isCommand
        ? "only a plugin that the kit starts can be checked: give a command"
        : undefined;
    },
    begin: () => Promise.resolve(),
    failureOf: (check: Check, carrier: CarrierName, run: CheckRun) =>
      failureOf(check, plugin, { carrier, echoes, run }),
  };
  const run = await runChecks(asked, options.carriers ?? offered, attempts, options);
  return { tested: "plugin", software: description.software, ...run };
}

/** Undefined where the plugin does it. */
async function failureOf(
  check: Check,
  plugin: PluginUnderTest,
  { carrier, echoes, run }: { carrier: CarrierName; echoes: boolean; run: CheckRun },
): Promise<Failure | undefined> {
  try {
    // One that a check has ended, or that has ended by itself, is started anew.
    await plugin.ready();
  } catch (error) {
    return { message: error instanceof Error ? error.message : String(error), trace: [] };
  }
  using deadline = new Deadline(run.timeoutSeconds);
  await using scene = new Scene(plugin, { carrier, deadline, seed: run.seed, echoes });
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
    return { message: `${text}${died}`, trace: scene.exchanges.at(-1)?.trace ?? [] };
  }
}
