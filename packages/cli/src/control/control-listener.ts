import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { actOnPlugin, type PluginAction, pluginActions } from "@servehttp/admin/command";
import { ServeHTTPError } from "@servehttp/host-bridge";
import { CommandError } from "../context/command-error.js";
import { version } from "../context/version.js";
import { logWaitingBytesMax } from "../limits.js";
import type { RunningHost } from "../run/running-host.js";
import type { ControlFailure, HostStatus, UpgradeRequest } from "./control-api.js";

/** Answers what `servehttp status`, `reload`, `restart`, `stop`, `start` and `logs` ask. */
export function controlListener(
  running: RunningHost,
  upgrade: (running: RunningHost, program: readonly string[]) => Promise<object>,
): {
  readonly listener: RequestListener;
  /** Ends logs that are followed. */
  readonly end: () => void;
} {
  const since = new Date().toISOString();
  const followed = new Set<ServerResponse>();
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", "http://host");
    const [, what = "", id = "", action = ""] = url.pathname.split("/").map(decodeURIComponent);
    const asked = `${request.method} ${what === "plugins" ? `${what}/${action}` : what}`;
    if (asked === "GET status") {
      answer(response, 200, statusOf(running, since));
    } else if (asked === "POST reload") {
      answer(response, 200, await running.config.reload());
    } else if (asked === "POST upgrade") {
      const { program } = JSON.parse(await text(request)) as UpgradeRequest;
      answer(response, 200, await upgrade(running, program));
    } else if (asked === "POST stop") {
      answer(response, 200, {});
      running.stop();
    } else if (asked === "GET plugins/logs") {
      knownPlugin(running, id);
      sendLogs(running, id, url.searchParams.has("follow"), response, followed);
    } else if (what === "plugins" && request.method === "POST" && isAction(action)) {
      knownPlugin(running, id);
      await actOnPlugin(running.host, id, action);
      answer(response, 200, running.host.plugins.find((plugin) => plugin.id === id) ?? {});
    } else {
      answer(response, 404, failure(new CommandError(1, `the host knows no ${asked}`)));
    }
  };
  return {
    listener: (request, response) => {
      serve(request, response).catch((thrown: unknown) => {
        const told = failure(thrown);
        answer(response, told.exitCode === 2 ? 400 : 500, told);
      });
    },
    end: () => {
      for (const response of followed) {
        response.end();
      }
    },
  };
}

function statusOf(
  { host, listeners, workers, config, context }: RunningHost,
  since: string,
): HostStatus {
  return {
    version,
    pid: process.pid,
    since,
    directory: context.cwd,
    config: config.settings.file ?? null,
    urls: listeners.urls,
    workers: workers?.workers ?? [],
    plugins: JSON.parse(JSON.stringify(host.plugins)) as HostStatus["plugins"],
  };
}

function isAction(action: string): action is PluginAction {
  return (pluginActions as readonly string[]).includes(action);
}

function knownPlugin({ host }: RunningHost, id: string): void {
  const ids = host.plugins.map((plugin) => plugin.id);
  if (!ids.includes(id)) {
    throw new CommandError(2, `there is no plugin ${id}; there are ${ids.join(", ") || "none"}`);
  }
}

function sendLogs(
  { logTail }: RunningHost,
  id: string,
  follow: boolean,
  response: ServerResponse,
  followed: Set<ServerResponse>,
): void {
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  response.write(logTail.of(id).join(""));
  if (!follow) {
    response.end();
    return;
  }
  followed.add(response);
  const end = logTail.follow(id, (record) => {
    response.write(record);
    if (response.writableLength > logWaitingBytesMax) {
      response.destroy();
    }
  });
  response.once("close", () => {
    end();
    followed.delete(response);
  });
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify(body)}\n`);
}

function failure(thrown: unknown): ControlFailure {
  const error = thrown instanceof Error ? thrown.message : String(thrown);
  if (thrown instanceof CommandError) {
    return { error, exitCode: thrown.exitCode };
  }
  const isWrong = thrown instanceof ServeHTTPError && thrown.code === "invalid-argument";
  return { error, exitCode: isWrong ? 2 : 1 };
}
