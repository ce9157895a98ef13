import { Command, Option } from "commander";
import { init } from "../init/init.js";
import { type TemplateName, templateNames } from "../init/templates.js";
import type { CommandRun } from "./command-run.js";

/** `servehttp init`: makes a new plugin. */
export function initCommand({ context }: CommandRun): Command {
  return new Command("init")
    .description("make a plugin that runs at once, with a test")
    .argument("[directory]", "a new folder, or an empty one", ".")
    .addOption(
      new Option("-t, --template <name>", "what to begin with")
        .choices(templateNames)
        .default("js"),
    )
    .option("--no-install", "leave out npm install, or pip")
    .action(
      async (
        directory: string,
        options: { readonly template: TemplateName; readonly install: boolean },
      ) => {
        await init({ directory, ...options }, context);
      },
    );
}
