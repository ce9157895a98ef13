import { randomBytes } from "node:crypto";
import type { CheckInfo } from "./checks/check.js";
import { KnownFailures } from "./report/known-failures.js";
import type { Report, Result } from "./report/result.js";
import { UsageError } from "./usage-error.js";
import type { CarrierName } from "./wire/host.js";

/** Options of `runKit` and `runHostKit`. */
export interface RunOptions {
  /** The carriers to check. Default: those that the plugin offers; of a host, both. */
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

/** Why a check failed: in one line, and what was sent and what came. */
export interface Failure {
  readonly message: string;
  readonly trace: readonly string[];
}

/** How one check is run. */
export interface Attempts<C extends CheckInfo> {
  /** Why a check can't be run here; undefined where it can. */
  skipped(check: C): string | undefined;
  /** Called before the first check on a carrier. */
  begin(carrier: CarrierName): Promise<void>;
  /** Undefined where all is well. */
  failureOf(check: C, carrier: CarrierName, run: CheckRun): Promise<Failure | undefined>;
}

/** What belongs to one run of one check. */
export interface CheckRun {
  /** Where everything random in it comes from. */
  readonly seed: string;
  readonly timeoutSeconds: number;
}

/** What a run of checks is asked to do. */
export interface Asked<C extends CheckInfo> {
  readonly chosen: readonly C[];
  readonly known: KnownFailures;
  readonly seed: string;
  readonly timeoutSeconds: number;
}

/** Of a long exchange the last lines are enough. */
const traceLinesMax = 12;

/**
 * Reads the options, before anything is started.
 *
 * @throws UsageError for options that can't be right
 */
export function readRunOptions<C extends CheckInfo>(
  options: RunOptions,
  checks: readonly C[],
): Asked<C> {
  const { timeoutSeconds = 20, seed = randomBytes(6).toString("hex") } = options;
  const { knownFailures, knownFailuresFile = "known failures" } = options;
  const chosen = chosenChecks(checks, options.only);
  const known =
    knownFailures === undefined
      ? KnownFailures.none
      : KnownFailures.read(knownFailures, knownFailuresFile, checks);
  return { chosen, known, seed, timeoutSeconds };
}

/** Runs the checks, one after the other, on each of the carriers. */
export async function runChecks<C extends CheckInfo>(
  { chosen, known, seed, timeoutSeconds }: Asked<C>,
  carriers: readonly CarrierName[],
  attempts: Attempts<C>,
  { onResult }: RunOptions,
): Promise<Pick<Report, "seed" | "results" | "asExpected">> {
  const results: Result[] = [];
  for (const carrier of carriers) {
    await attempts.begin(carrier);
    for (const check of chosen.filter((one) => one.carriers?.includes(carrier) ?? true)) {
      const run = { seed: `${seed}-${carrier}-${check.id}`, timeoutSeconds };
      const reason = known.reasonOf(carrier, check.id);
      const result = await resultOf(check, carrier, { attempts, run, reason });
      results.push(result);
      onResult?.(result);
    }
  }
  const asExpected = !results.some(({ outcome }) => outcome === "failed" || outcome === "fixed");
  return { seed, results, asExpected };
}

/**
 * The checks that `only` names.
 *
 * @throws UsageError where it names none
 */
export function chosenChecks<C extends CheckInfo>(
  checks: readonly C[],
  only: readonly string[] | undefined,
): readonly C[] {
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

async function resultOf<C extends CheckInfo>(
  check: C,
  carrier: CarrierName,
  { attempts, run, reason }: { attempts: Attempts<C>; run: CheckRun; reason: string | undefined },
): Promise<Result> {
  const { id, text } = check;
  const about = { name: `${carrier}/${id}`, id, carrier, text };
  const message = attempts.skipped(check);
  if (message !== undefined) {
    return { ...about, outcome: "skipped", message, trace: [], durationMs: 0 };
  }
  const began = performance.now();
  const failure = await attempts.failureOf(check, carrier, run);
  const durationMs = performance.now() - began;
  if (failure === undefined) {
    const outcome = reason === undefined ? "passed" : "fixed";
    return { ...about, outcome, message: reason, trace: [], durationMs };
  }
  const trace = failure.trace.slice(-traceLinesMax);
  return reason === undefined
    ? { ...about, outcome: "failed", message: oneLine(failure.message), trace, durationMs }
    : { ...about, outcome: "known", message: reason, trace, durationMs };
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " | ");
}
