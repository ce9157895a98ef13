import { Command, InvalidArgumentError } from "commander";
import type { CommandContext } from "../context/command-context.js";
import { writeLine } from "../context/command-context.js";
import type { PluginAction } from "@servehttp/admin/command";
import type { HostStatus } from "../control/control-api.js";
import { type ControlClient, findHost } from "../control/control-client.js";
import { runtimeDirectory } from "../control/runtime-directory.js";
import { prettyRecord } from "../output/pretty-record.js";
import { statusLines } from "../control/status-table.js";
import type { CommandRun } from "./command-run.js";

interface ControlFlags {
  readonly pid?: number;
}

/** `servehttp status`: what the host and its plugins are doing. */
export function statusCommand({ context }: CommandRun): Command {
  return controlCommand("status", "say what a host and its plugins are doing")
    .option("--json", "as JSON")
    .action(async (flags: ControlFlags & { readonly json?: true }) => {
      const client = await clientOf(flags, context);
      const status = await client.ask<HostStatus>("GET", "/status");
      const lines = flags.json === true ? [JSON.stringify(status)] : statusLines(status);
      for (const line of lines) {
        writeLine(context.stdout, line);
      }
    });
}

/** `servehttp reload [id]`: the config anew, or one plugin. */
export function reloadCommand({ context }: CommandRun): Command {
  return controlCommand("reload", "read the config anew, or replace the processes of one plugin")
    .argument("[id]", "a plugin")
    .action(async (id: string | undefined, flags: ControlFlags) => {
      const client = await clientOf(flags, context);
      if (id !== undefined) {
        await actOn(client, id, "reload");
        writeLine(context.stdout, `${id} is reloaded`);
        return;
      }
      const changes = await client.ask<Record<string, readonly string[]>>("POST", "/reload");
      const told = ["added", "changed", "removed"].flatMap((what) => {
        const ids = changes[what] ?? [];
        return ids.length === 0 ? [] : [`${what}: ${ids.join(", ")}`];
      });
      writeLine(context.stdout, told.join("; ") || "nothing has changed");
    });
}

/** `servehttp restart id`: ends a plugin's processes and starts new ones. */
export function restartCommand({ context }: CommandRun): Command {
  return controlCommand("restart", "end the processes of a plugin and start new ones")
    .argument("<id>", "a plugin")
    .action(async (id: string, flags: ControlFlags) => {
      await actOn(await clientOf(flags, context), id, "restart");
      writeLine(context.stdout, `${id} is restarted`);
    });
}

/** `servehttp start id`: starts a plugin that was stopped. */
export function startCommand({ context }: CommandRun): Command {
  return controlCommand("start", "start a plugin that was stopped, or has failed")
    .argument("<id>", "a plugin")
    .action(async (id: string, flags: ControlFlags) => {
      await actOn(await clientOf(flags, context), id, "start");
      writeLine(context.stdout, `${id} is started`);
    });
}

/** `servehttp stop [id]`: the host, or one plugin. */
export function stopCommand({ context }: CommandRun): Command {
  return controlCommand("stop", "drain and end the host, or one plugin")
    .argument("[id]", "a plugin")
    .action(async (id: string | undefined, flags: ControlFlags) => {
      const client = await clientOf(flags, context);
      if (id === undefined) {
        await client.ask("POST", "/stop");
        writeLine(context.stdout, "the host drains");
      } else {
        await actOn(client, id, "stop");
        writeLine(context.stdout, `${id} is stopped`);
      }
    });
}

/** `servehttp upgrade`: a new host on the same sockets. */
export function upgradeCommand({ context }: CommandRun): Command {
  return controlCommand(
    "upgrade",
    "put a new host of this program in the place of the running one, on the same sockets",
  ).action(async (flags: ControlFlags) => {
    const client = await clientOf(flags, context);
    const [, script = ""] = process.argv;
    const program = [process.execPath, ...process.execArgv, script];
    const { pid } = await client.ask<{ readonly pid: number }>("POST", "/upgrade", { program });
    writeLine(context.stdout, `process ${pid} has taken over`);
  });
}

/** `servehttp logs id`: the last records of a plugin. */
export function logsCommand({ context }: CommandRun): Command {
  return controlCommand("logs", "show what the log has of a plugin")
    .argument("<id>", "a plugin")
    .option("-f, --follow", "go on with what comes")
    .option("--json", "as JSON lines")
    .action(
      async (
        id: string,
        flags: ControlFlags & { readonly follow?: true; readonly json?: true },
      ) => {
        const client = await clientOf(flags, context);
        const query = flags.follow === true ? "?follow" : "";
        const records = await client.open("GET", `${pathOf(id)}/logs${query}`);
        for await (const line of linesOf(records)) {
          context.stdout.write(flags.json === true ? line : prettyRecord(line, context.stdout));
        }
      },
    );
}

function controlCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option("--pid <pid>", "the host with this process, where several run", readPid);
}

function readPid(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) {
    throw new InvalidArgumentError("A pid is a number from 1 on.");
  }
  return Number(text);
}

async function clientOf(
  { pid }: ControlFlags,
  { cwd, environment }: CommandContext,
): Promise<ControlClient> {
  return await findHost(runtimeDirectory(environment), { pid, cwd });
}

function pathOf(id: string): string {
  return `/plugins/${encodeURIComponent(id)}`;
}

async function actOn(client: ControlClient, id: string, action: PluginAction): Promise<void> {
  await client.ask("POST", `${pathOf(id)}/${action}`);
}

/** Lines with their ends. */
async function* linesOf(chunks: AsyncIterable<unknown>): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield rest.subarray(0, end + 1).toString();
      rest = rest.subarray(end + 1);
    }
  }
}
