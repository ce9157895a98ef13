import { createPluginHost, type PluginHost, type PluginStatus } from "@servehttp/host-bridge";
import { type CommandContext, writeLine } from "../context/command-context.js";
import { asOptionError } from "../config/option-error.js";
import type { Settings } from "../config/settings.js";
import { failed } from "../context/command-error.js";
import type { ListenHandle } from "../listen/listener.js";
import type { ListenerHost } from "../listen/listener.js";
import { Listeners } from "../listen/listeners.js";
import { ConfigReload } from "../reload/config-reload.js";
import { LogTail } from "../output/log-tail.js";
import { commandLogger, logDestination } from "../output/command-logger.js";
import { announcePlugins } from "./announce.js";
import { appListener } from "./app-listener.js";
import { drain } from "./drain.js";
import { beLameDuck } from "./be-lame-duck.js";
import { longestDrainMs } from "./drain-time.js";
import { failureText } from "./failure-text.js";
import { RunningAdmin } from "./running-admin.js";
import { openMetrics } from "./open-metrics.js";
import { openTraces } from "./open-traces.js";
import type { Beside, RunningHost } from "./running-host.js";
import { stopRequest } from "./stop-request.js";

/**
 * Runs a host until a signal stops it. Resolves when it has drained.
 *
 * Where it takes the place of another process, it listens when its plugins are ready, and tells that
 * process then.
 *
 * @throws CommandError where an address can't be had, or no plugin starts
 */
export async function serve(
  readSettings: () => Promise<Settings>,
  context: CommandContext,
  { companions, predecessor, workers: makeWorkers }: Beside,
): Promise<void> {
  const settings = await readSettings();
  const logTail = new LogTail();
  const onLog = logDestination(settings.log, context.stderr, logTail);
  const logger = commandLogger(settings.log, onLog);
  const traces = await openTraces(context.environment, logger);
  const metrics = await openMetrics(
    settings.admin !== undefined,
    context.environment,
    logger,
    async () => (await workers?.collectMetrics()) ?? [],
  );
  const host = asOptionError(settings.file, () =>
    createPluginHost({
      logger,
      tracerProvider: traces?.tracerProvider,
      meterProvider: metrics?.meterProvider,
      ...settings.host,
    }),
  );
  const app = settings.app && appListener(() => config.settings.app, host, logger);
  const stop = stopRequest(context);
  let lostWorkers = false;
  const onGone = (): void => {
    lostWorkers = true;
    stop.ask();
  };
  const workers =
    settings.workers > 1
      ? makeWorkers({ count: settings.workers, host, logger, context, onLog, onGone })
      : undefined;
  const passOn: ListenerHost["passOn"] =
    workers && ((socket, listener) => workers.take(socket, listener));
  const listeners = new Listeners({ host, logger, app, passOn });
  const config = new ConfigReload({ host, listeners, workers, settings, readSettings, logger });
  let takesRequests = false;
  const admin =
    settings.admin && new RunningAdmin(host, settings.admin, logger, metrics, () => takesRequests);
  config.observe({ behind: (now) => now.admin && admin?.renewCertificate(now.admin) });
  const open = async (handles?: ReadonlyMap<string, ListenHandle>): Promise<void> => {
    try {
      await listeners.open(settings.listen, handles);
      await admin?.open(handles);
    } catch (thrown) {
      await Promise.all([listeners.close(), admin?.close()]);
      throw thrown;
    }
  };
  if (predecessor === undefined) {
    await open();
  }
  let broken = 0;
  const ending: (() => Promise<void> | void)[] = [];
  try {
    const running: RunningHost = {
      host,
      listeners,
      workers,
      admin,
      settings,
      config,
      logTail,
      logger,
      context,
      stop: () => stop.ask(),
      isSuperseded: false,
    };
    if (predecessor === undefined && workers === undefined) {
      ending.push(announce(running));
    }
    await Promise.race([Promise.all([host.start(), workers?.start()]), aborted(stop.drain)]);
    if (!stop.drain.aborted) {
      if (predecessor !== undefined || !settings.watch) {
        checkStarted(host, settings, predecessor === undefined ? "some" : "all");
      }
      if (predecessor !== undefined) {
        await open(await predecessor.handles());
      }
      if (predecessor !== undefined || workers !== undefined) {
        ending.push(announce(running));
      }
      takesRequests = true;
      for (const begin of companions) {
        ending.unshift(await begin(running));
      }
      await predecessor?.leave();
      await aborted(stop.drain);
      takesRequests = false;
      if (!running.isSuperseded && !lostWorkers) {
        await beLameDuck({ listeners, workers, logger, ms: config.settings.lameDuckMs }, stop.now);
      }
    }
  } finally {
    for (const end of ending) {
      await end();
    }
    const drainMs = longestDrainMs(settings.host);
    logger.info({ drainMs }, "draining");
    broken = await drain({ host, listeners, workers, drainMs }, stop.now, context);
    // It tells how the drain goes, and that the host is not ready.
    await admin?.close();
    await Promise.all([metrics?.close(), traces?.close()]);
    stop.end();
  }
  if (lostWorkers) {
    throw failed("no worker is left: each of them has failed too often; the log says why");
  }
  if (broken > 0) {
    throw failed(`stopped by a second signal, with ${broken} in flight`);
  }
}

function announce({ admin, host, listeners, settings, context }: RunningHost): () => void {
  for (const url of listeners.urls) {
    writeLine(context.stdout, `listening on ${url}`);
  }
  if (admin !== undefined) {
    writeLine(context.stdout, `admin on ${admin.url}`);
  }
  const prefix = (settings.host.prefix ?? "/plugins").replace(/\/$/, "");
  const [base] = listeners.urls;
  return announcePlugins(host, (id) => `${base}${prefix}/${id}/`, context);
}

/**
 * Ends a host none of whose plugins starts, or not all of them where another one serves all:
 * whoever started it is to know at once. Plugins that somebody else runs may come later.
 */
function checkStarted(
  host: PluginHost,
  { host: { plugins = {} } }: Settings,
  needed: "some" | "all",
): void {
  const isDown = ({ id, state, failures }: PluginStatus): boolean =>
    "command" in (plugins[id] ?? {}) && state !== "ready" && failures.length > 0;
  const down = host.plugins.filter(isDown);
  if (down.length > 0 && (needed === "all" || down.length === host.plugins.length)) {
    const reasons = down.map(({ id, failures }) => failureText(id, plugins[id], failures.at(-1)));
    throw failed(reasons.join("\n"));
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    } else {
      signal.addEventListener("abort", () => resolve(), { once: true });
    }
  });
}
