import type { Socket } from "node:net";
import { createWorkerHost } from "@servehttp/host-bridge";
import { asOptionError } from "../config/option-error.js";
import type { HostFlags } from "../config/host-flags.js";
import { readSettings } from "../config/read-settings.js";
import type { CommandContext } from "../context/command-context.js";
import { Listeners } from "../listen/listeners.js";
import { commandLogger } from "../output/command-logger.js";
import { ConfigReload } from "../reload/config-reload.js";
import { appListener } from "../run/app-listener.js";
import { openMetrics } from "../run/open-metrics.js";
import { inFlightOf } from "../run/in-flight-of.js";
import { openTraces } from "../run/open-traces.js";
import { commandMessage, type FromWorker } from "./worker-messages.js";

/**
 * Serves connections that the command hands over, with the plugins of its host. Resolves when it has
 * drained: because it was told to, by SIGTERM, or because the command is gone.
 */
export async function runWorker(flags: HostFlags, context: CommandContext): Promise<void> {
  const settings = await readSettings(flags, context);
  const logger = commandLogger(settings.log, (record) => tell({ worker: "log", record }));
  const traces = await openTraces(context.environment, logger);
  const metrics = await openMetrics(settings.admin !== undefined, context.environment, logger);
  const tellMetrics = async (): Promise<void> =>
    tell({ worker: "metrics", metrics: await metrics?.collect() });
  const host = asOptionError(settings.file, () =>
    createWorkerHost(
      {
        logger,
        tracerProvider: traces?.tracerProvider,
        meterProvider: metrics?.meterProvider,
        ...settings.host,
      },
      process,
    ),
  );
  const app = settings.app && appListener(() => config.settings.app, host, logger);
  const listeners = new Listeners({ host, logger, app });
  const readAnew = () => readSettings(flags, context);
  const config = new ConfigReload({ host, listeners, settings, readSettings: readAnew, logger });
  listeners.openHandedOver(settings.listen);
  const end = Promise.withResolvers<"drain" | "stop">();
  const onMessage = (message: unknown, socket: unknown): void => {
    const told = commandMessage(message, "command");
    switch (told?.command) {
      case "connection":
        // Its client may have left on the way.
        if (socket !== undefined) {
          listeners.take(told.listener, socket as Socket);
        }
        break;
      case "reload":
        config.reload().then(
          () => tell({ worker: "reloaded", error: undefined }),
          (error: Error) => tell({ worker: "reloaded", error: error.message }),
        );
        break;
      case "collect-metrics":
        void tellMetrics();
        break;
      case "close-behind-responses":
        listeners.closeBehindResponses();
        break;
      case "retire":
        void listeners.retire(told.ms).then(() => tell({ worker: "retired" }));
        break;
      case "drain":
      case "stop":
        end.resolve(told.command);
        if (told.command === "stop") {
          tell({ worker: "breaking", inFlight: inFlightOf(host) });
          void host.stop({ drainMs: 0 });
        }
        break;
      case undefined:
    }
  };
  process.on("message", onMessage);
  process.once("disconnect", () => end.resolve("drain"));
  // A terminal sends its signals to all processes: what they mean to the host, the command says.
  context.onSignal(["SIGINT", "SIGHUP"], () => undefined);
  context.onSignal(["SIGTERM"], () => {
    tell({ worker: "leaving" });
    end.resolve("drain");
  });
  tell({ worker: "listening" });
  void host.start().then(() => tell({ worker: "started" }));
  const how = await end.promise;
  listeners.stopAccepting();
  await host.stop(how === "stop" ? { drainMs: 0 } : {});
  await listeners.close();
  await tellMetrics();
  await Promise.all([metrics?.close(), traces?.close()]);
}

/** Tells the command something, as long as it is there. */
export function tell(message: FromWorker): void {
  if (process.connected) {
    process.send?.(message, undefined, undefined, () => undefined);
  }
}
