import { type HostCheck, skippedFor } from "./host-checks/host-check.js";
import { hostChecks } from "./host-checks/index.js";
import { type HostFacts, HostScene } from "./host/host-scene.js";
import { HostUnderTest, hostUrl } from "./host/host-under-test.js";
import { NotReady } from "./plugin/plugin-under-test.js";
import type { Report } from "./report/result.js";
import {
  type CheckRun,
  type Failure,
  readRunOptions,
  runChecks,
  type RunOptions,
} from "./run-checks.js";
import { ServedPlugin } from "./served/served-plugin.js";
import { UsageError } from "./usage-error.js";
import { Deadline } from "./wire/deadline.js";
import type { CarrierName } from "./wire/host.js";

/** Options of `runHostKit`. */
export interface HostKitOptions extends RunOptions {
  /**
   * Where clients find the kit's plugin at the host, without TLS:
   * `http://127.0.0.1:8080/plugins/conformance`. `{port}` in it is the port that `hostCommand` is
   * told.
   */
  readonly host: string;
  /**
   * Where the kit serves its plugin, for the host to connect to: `unix:/path` or `127.0.0.1:50051`.
   * Default: with a command a socket of its own, otherwise a free port of 127.0.0.1.
   */
  readonly serve?: string | undefined;
  /**
   * A command that starts the host, one program with its arguments, as a shell splits them.
   * `{plugin}` stands for the plugin's address, `{port}` for a free port. Default: the host runs.
   */
  readonly hostCommand?: string | undefined;
  /** The token that the host shows to the plugin. Others are refused. Default: none is needed. */
  readonly token?: string | undefined;
  /** Whether the kit's client speaks HTTP/2, with prior knowledge. Default: false, HTTP/1.1. */
  readonly http2?: boolean | undefined;
  /** A header field that the host alone sets: "x-user-id". Default: its checks are skipped. */
  readonly identity?: string | undefined;
  /** The host's time for a response's head, in seconds. Default: its check is skipped. */
  readonly headSeconds?: number | undefined;
  /** The host's time for silence in a response, in seconds. Default: its check is skipped. */
  readonly idleSeconds?: number | undefined;
  /** How long the host may take until it serves the plugin, in seconds. Default: 30. */
  readonly waitSeconds?: number | undefined;
  /** Is told the plugin's address, once it can be connected to. */
  readonly onServing?: ((address: string) => void) | undefined;
}

/**
 * Runs the checks of a host, one after the other, against a plugin that the kit serves to it.
 *
 * @throws UsageError for options that can't be right
 * @throws NotReady where the host does not serve the plugin
 */
export async function runHostKit(options: HostKitOptions): Promise<Report> {
  const asked = readRunOptions(options, hostChecks);
  const facts: HostFacts = {
    isHttp2: options.http2 ?? false,
    identity: options.identity?.toLowerCase(),
    token: options.token,
    headSeconds: options.headSeconds,
    idleSeconds: options.idleSeconds,
  };
  const { host: url, hostCommand } = options;
  hostUrl(url.replaceAll("{port}", "1"));
  const byDefault = hostCommand === undefined ? "127.0.0.1:0" : "unix:";
  await using plugin = await listen(options.serve ?? byDefault, options.token);
  options.onServing?.(plugin.address);
  await using host = await HostUnderTest.start(url, hostCommand, plugin.address);
  const attempts = {
    skipped: (check: HostCheck) => skippedFor(check, facts),
    async begin(carrier: CarrierName): Promise<void> {
      await connected(host, plugin, facts, { carrier, waitSeconds: options.waitSeconds ?? 30 });
    },
    failureOf: (check: HostCheck, carrier: CarrierName, run: CheckRun) =>
      failureOf(check, host, plugin, { facts, carrier, run }),
  };
  const run = await runChecks(asked, options.carriers ?? ["stream", "mux"], attempts, options);
  return { tested: "host", software: host.url, ...run };
}

async function listen(address: string, token: string | undefined): Promise<ServedPlugin> {
  try {
    return await ServedPlugin.listen(address, token);
  } catch (error) {
    if (error instanceof UsageError) {
      throw error;
    }
    throw new UsageError(`the kit can't serve its plugin at ${address}: ${textOf(error)}`);
  }
}

/** A host that has asked what the plugin offers just before that changed is cut off so often. */
const offersMax = 3;

/** Offers a carrier, and waits until the host serves the plugin on it. */
async function connected(
  host: HostUnderTest,
  plugin: ServedPlugin,
  facts: HostFacts,
  how: { carrier: CarrierName; waitSeconds: number },
): Promise<void> {
  const { carrier } = how;
  let used: CarrierName | undefined;
  for (let offers = 0; offers < offersMax; offers += 1) {
    plugin.offer(carrier);
    used = await carrierOf(host, plugin, facts, how);
    if (used === carrier) {
      return;
    }
  }
  throw new NotReady(
    `the host carries exchanges by ${used}, though the plugin offers ${carrier}; --carrier ${used} checks that alone`,
  );
}

/** Waits until the host serves the plugin. Returns by which carrier. */
async function carrierOf(
  host: HostUnderTest,
  plugin: ServedPlugin,
  facts: HostFacts,
  { carrier, waitSeconds }: { carrier: CarrierName; waitSeconds: number },
): Promise<CarrierName> {
  using deadline = new Deadline(waitSeconds);
  await using scene = new HostScene(host, plugin, facts, { carrier, deadline, seed: "start" });
  try {
    await scene.recovers();
  } catch (error) {
    throw new NotReady(
      `${host.url} does not serve ${plugin.address}: ${textOf(error)}${ended(host)}`,
    );
  }
  const { served, asked } = await scene.exchange();
  await served.send({ init: { status: 200 }, end: {} });
  await asked.whole();
  return served.carrier;
}

/** Undefined where the host does it. */
async function failureOf(
  check: HostCheck,
  host: HostUnderTest,
  plugin: ServedPlugin,
  { facts, carrier, run }: { facts: HostFacts; carrier: CarrierName; run: CheckRun },
): Promise<Failure | undefined> {
  using deadline = new Deadline(run.timeoutSeconds);
  await using scene = new HostScene(host, plugin, facts, { carrier, deadline, seed: run.seed });
  try {
    // One whose connection an earlier check has broken makes another.
    await scene.recovers();
    await check.run(scene);
    if (plugin.violation !== undefined) {
      throw new Error(`the host broke the contract: ${plugin.violation}`);
    }
    if (host.process?.ended !== undefined) {
      throw new Error("the host has ended");
    }
    return undefined;
  } catch (error) {
    return { message: `${textOf(error)}${ended(host)}`, trace: plugin.trace.lines };
  }
}

function ended({ process }: HostUnderTest): string {
  if (process?.ended === undefined) {
    return "";
  }
  const printed = process.output === "" ? "" : ` and printed: ${process.output}`;
  return `; the host's process ended with ${process.ended}${printed}`;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
