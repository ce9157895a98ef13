import { HostTls } from "@servehttp/carrier";
import type { Logger } from "@servehttp/contract";
import type { FoundAddress } from "../discovery/address-source.js";
import { makeSource } from "../discovery/make-source.js";
import { knownAddress } from "../options/instance-address.js";
import { systemClock } from "../process/clock.js";
import type { HostProcesses } from "../process/host-processes.js";
import type { CallAccess } from "../process/plugin-environment.js";
import { PluginLauncher } from "../process/plugin-launcher.js";
import { processorTime } from "../process/processor-time.js";
import { addressRules, restartRules } from "../process/restart-policy.js";
import type { SocketDirectory } from "../process/socket-directory.js";
import { withDetails } from "../process/with-details.js";
import { AddressRun } from "./address-run.js";
import { ConnectedPlugin, type PluginExchanges } from "./connected-plugin.js";
import { DiscoveredInstances } from "./discovered-instances.js";
import type { InstanceWatch } from "./hosted-plugin.js";
import { FixedInstances } from "./fixed-instances.js";
import type { Instance, InstanceGroup } from "./instance-group.js";
import { KeptConnection } from "./kept-connection.js";
import { pluginAddress } from "./plugin-address.js";
import { PluginConnection } from "./plugin-connection.js";
import type { OutsideSettings } from "./plugin-set.js";
import type { ProcessNews, SupervisedProcess, UsersElsewhere } from "./supervised-plugin.js";

/** Lets a process of a plugin, which is about to start, call other plugins. */
export type OpenCalls = (
  pluginId: string,
  mayCall: readonly string[],
  directory: SocketDirectory,
) => Promise<CallAccess>;

/** A process of a plugin that other hosts may connect to. */
export interface OfferedProcessFacts {
  readonly pluginId: string;
  /** Which of the plugin's instances it is: its number, from 0 on. */
  readonly name: string;
  readonly socketPath: string;
  readonly token: string;
  readonly pid: number | undefined;
}

/** Tells other hosts of a process. Resolves when they are connected to it, or have had their time. */
export type OfferProcess = (
  facts: OfferedProcessFacts,
  signal: AbortSignal,
) => Promise<UsersElsewhere>;

/** What all instances of a host's plugins share. */
export interface InstanceHost {
  /** Default: nobody is told. */
  readonly offer?: OfferProcess;
  readonly processes: HostProcesses;
  readonly openCalls: OpenCalls;
  readonly logger: Required<Logger>;
}

/** Makes the instances of a plugin: processes that the host starts, or addresses. */
export function makeInstances(
  settings: OutsideSettings,
  shared: PluginExchanges,
  watch: InstanceWatch,
  host: InstanceHost,
): InstanceGroup {
  const { offer, processes, openCalls, logger: hostLogger } = host;
  const { id: pluginId, carrier, timeouts } = settings;
  const { startMs } = timeouts;
  const logger = withDetails(hostLogger, { plugin: pluginId });
  const clock = systemClock;
  const chance = Math.random;
  if (settings.kind === "command") {
    const { basePath, command, cwd, env, instances, mayCall } = settings;
    const make = (name: string): Instance => {
      const launcher = new PluginLauncher<ConnectedPlugin>({
        pluginId,
        basePath,
        command,
        cwd,
        env,
        startMs,
        processes,
        openCalls:
          mayCall.length === 0 ? undefined : (directory) => openCalls(pluginId, mayCall, directory),
        logger,
        clock,
        processorTime,
        connect: async ({ socketPath, token, pid }, signal) => {
          const address = { kind: "unix", path: socketPath } as const;
          const options = { pluginId, address, token, carrier, logger: hostLogger };
          const connection = await PluginConnection.connect(options, signal);
          const time = () => (pid === undefined ? undefined : processorTime(pid));
          const elsewhere = await offer?.({ pluginId, name, socketPath, token, pid }, signal);
          return new ConnectedPlugin(connection, shared, time, elsewhere);
        },
      });
      return new KeptConnection({
        pluginId,
        open: () => launcher.launch(),
        rules: restartRules,
        logger,
        clock,
        chance,
        ...watch,
      });
    };
    return new FixedInstances(Array.from({ length: instances }, (_, index) => make(String(index))));
  }
  const { protocol, token } = settings;
  const tls = new HostTls(settings.tls ?? {}, logger);
  const makeAt = (address: FoundAddress, told: InstanceWatch): Instance => {
    const options = {
      pluginId,
      address: pluginAddress(address, tls),
      token,
      carrier,
      protocol,
      logger: hostLogger,
    };
    const connect = async (signal: AbortSignal) => {
      const connection = await PluginConnection.connect(options, signal);
      return new ConnectedPlugin(connection, shared, () => undefined, undefined, address.url);
    };
    return new KeptConnection({
      pluginId,
      address,
      open: () => new AddressRun({ connect, startMs, clock }),
      rules: addressRules,
      logger: withDetails(logger, { instance: address.url }),
      clock,
      chance,
      ...told,
    });
  };
  const source = makeSource(settings, { clock, chance, logger });
  if (source !== undefined) {
    const make = makeAt;
    return new DiscoveredInstances({ pluginId, source, make, startMs, watch, logger, clock });
  }
  const urls = settings.kind === "url" ? settings.url : [];
  return new FixedInstances(urls.map((url) => makeAt(knownAddress(url), watch)));
}

/** Makes a connection to a process of a plugin that a supervisor has started. */
export function followProcess(
  { id: pluginId, carrier, timeouts }: OutsideSettings,
  { key, name, pid, socketPath, token }: SupervisedProcess,
  shared: PluginExchanges,
  watch: InstanceWatch,
  host: {
    readonly logger: Required<Logger>;
    readonly onNews: (key: string, news: ProcessNews) => void;
  },
): Instance {
  const clock = systemClock;
  const time = () => (pid === undefined ? undefined : processorTime(pid));
  const logger = quiet(withDetails(host.logger, { plugin: pluginId }));
  const connect = async (signal: AbortSignal): Promise<ConnectedPlugin> => {
    const address = { kind: "unix", path: socketPath } as const;
    const options = { pluginId, address, token, carrier };
    const connection = await PluginConnection.connect(options, signal);
    return new ConnectedPlugin(connection, shared, time);
  };
  const onAsk = (): void => host.onNews(key, "tunnels-left");
  const { startMs } = timeouts;
  return new KeptConnection({
    pluginId,
    name,
    open: () => new AddressRun({ connect, startMs, clock, pid, onAsk }),
    rules: addressRules,
    logger,
    clock,
    chance: Math.random,
    ...watch,
  });
}

/** What becomes of a plugin is in the log of the supervisor. */
function quiet(logger: Required<Logger>): Required<Logger> {
  return {
    ...logger,
    info: (details, message) => logger.debug(details, message),
    warn: (details, message) => logger.debug(details, message),
  };
}
