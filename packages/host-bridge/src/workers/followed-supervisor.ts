import type { Logger } from "@servehttp/contract";
import type { Callers } from "../calls/callers.js";
import type { FollowSettings } from "../plugin/hosted-plugin.js";
import { followProcess } from "../plugin/make-instances.js";
import type { OutsideSettings, PluginSet } from "../plugin/plugin-set.js";
import { followPlugin, giveUpProcess } from "./follow-plugins.js";
import type { ProcessChannel } from "./process-channel.js";
import { SupervisorLink } from "./supervisor-link.js";

export interface FollowedSupervisorOptions {
  readonly logger: Required<Logger>;
  readonly callers: Callers;
  /** The worker's. */
  readonly plugins: PluginSet;
  /** Called when the supervisor is gone. */
  readonly stop: () => void;
}

/** The supervisor of a worker, whose plugins follow those of the supervisor. */
export class FollowedSupervisor {
  readonly #options: FollowedSupervisorOptions;
  readonly #link: SupervisorLink;

  constructor(channel: ProcessChannel, options: FollowedSupervisorOptions) {
    this.#options = options;
    const { callers, logger, plugins, stop } = options;
    this.#link = new SupervisorLink(channel, {
      logger,
      callers,
      statuses: () => plugins.statuses,
      onPlugin: (seen, before) => followPlugin(plugins, seen, before, logger),
      onGiveUp: (id, key, tunnels, reason) => giveUpProcess(plugins, id, key, tunnels, reason),
      onSharers: (count) => plugins.divideLimits(count),
      onEnd: () => {
        logger.warn({}, "the supervisor is gone: what runs may end, nothing new is taken");
        stop();
      },
    });
  }

  /** How a plugin is followed whose processes are the supervisor's; undefined: it is the worker's. */
  follow(plugin: OutsideSettings): FollowSettings | undefined {
    if (plugin.kind !== "command") {
      return undefined;
    }
    const { callers, logger } = this.#options;
    const { id } = plugin;
    if (plugin.mayCall.length > 0) {
      callers.keep(id);
    }
    const onNews: FollowSettings["onNews"] = (key, news) => this.#link.tell(key, news);
    return {
      onNews,
      seen: () => this.#link.seen(id),
      connect: (process, exchanges, watch) =>
        followProcess(plugin, process, exchanges, watch, { logger, onNews }),
    };
  }
}
