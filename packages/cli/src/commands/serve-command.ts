import { existsSync } from "node:fs";
import { basename, extname, resolve } from "node:path";
import { didYouMean } from "@servehttp/host-bridge/options";
import { Command } from "commander";
import type { HostFlags } from "../config/host-flags.js";
import { readSettings } from "../config/read-settings.js";
import { saidWrong } from "../context/command-error.js";
import { openControl } from "../control/open-control.js";
import { reloadAtSighup } from "../control/reload-at-sighup.js";
import type { Companion } from "../run/running-host.js";
import { serve } from "../run/serve.js";
import { watchFiles } from "../run/watch-files.js";
import { notifySystemd } from "../service/notify-systemd.js";
import { writePidFile } from "../service/pid-file.js";
import { liveTerminal } from "../terminal/live-terminal.js";
import { predecessorOf } from "../upgrade/predecessor.js";
import {
  addAdminFlags,
  addListenFlags,
  addLogFlags,
  addPluginFlags,
  addServiceFlags,
  addWatchFlags,
} from "./add-host-flags.js";
import { WorkerPool } from "../workers/worker-pool.js";
import type { CommandRun } from "./command-run.js";

/** What goes on beside every host, in the order in which it begins. */
const companions: readonly Companion[] = [
  reloadAtSighup,
  watchFiles,
  openControl,
  writePidFile,
  notifySystemd,
  liveTerminal,
];

/** `servehttp [serve]`: runs plugins until it is stopped. */
export function serveCommand({ context }: CommandRun): Command {
  const command = new Command("serve").description("run plugins; the command when none is named");
  addPluginFlags(command);
  addListenFlags(command);
  addWatchFlags(command);
  addLogFlags(command);
  addAdminFlags(command);
  addServiceFlags(command);
  return command.action(async (flags: HostFlags) => {
    const [unknown] = command.args;
    if (unknown !== undefined) {
      throw saidWrong(unknownText(unknown, command, context.cwd));
    }
    const predecessor = predecessorOf(context.environment);
    await serve(() => readSettings(flags, context), context, {
      companions,
      predecessor,
      workers: (options) => new WorkerPool({ ...options, flags }),
    });
  });
}

/** Somebody has mistyped a command, or named a plugin as arguments are named elsewhere. */
function unknownText(word: string, { parent }: Command, cwd: string): string {
  if (existsSync(resolve(cwd, word))) {
    const id = basename(resolve(cwd, word), extname(word));
    return `${word}: a plugin has an id: --plugin ${id}=${word}`;
  }
  const known = (parent?.commands ?? []).map((one) => one.name());
  return `there is no command ${word}${didYouMean(word, known)}; there are ${known.join(", ")}`;
}
