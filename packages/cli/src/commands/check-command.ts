import { Command } from "commander";
import { check } from "../check/check.js";
import type { HostFlags } from "../config/host-flags.js";
import { readSettings } from "../config/read-settings.js";
import { addPluginFlags } from "./add-host-flags.js";
import type { CommandRun } from "./command-run.js";

/** `servehttp check`: whether the config is valid, and each plugin starts. */
export function checkCommand(run: CommandRun): Command {
  const command = new Command("check").description(
    "read the config, start each plugin once, and say how that went",
  );
  return addPluginFlags(command).action(async (flags: HostFlags) => {
    const isWell = await check(await readSettings(flags, run.context), run.context);
    run.exitCode = isWell ? 0 : 1;
  });
}
