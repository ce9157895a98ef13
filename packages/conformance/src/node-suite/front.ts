import { createServer, type IncomingMessage, type Server } from "node:http";
import { createPluginHost } from "@servehttp/host-bridge";
import { hopTo } from "./hop.js";
import type { Question, Way } from "./messages.js";

type Listen = Extract<Question, { kind: "listen" }>;

/** What listens in the place of a test's server. */
export interface Front {
  readonly server: Server;
  /** The test's server can be reached from now on. Resolves when requests get there. */
  serve(): Promise<void>;
  /** Called when all connections of clients have ended. */
  stop(): Promise<void>;
}

/** Makes what stands in front of a server; `front.server` does not listen yet. */
export function frontOf(way: Way, carrier: "mux" | "stream", { socketPath }: Listen): Front {
  return way === "hop" ? hop(socketPath) : bridge(socketPath, carrier);
}

function hop(socketPath: string): Front {
  return {
    server: hopTo(socketPath),
    serve: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  };
}

/**
 * A host with one plugin, at whose paths all of a test's requests are. It passes on what an operator
 * can let it pass on.
 */
function bridge(socketPath: string, carrier: "mux" | "stream"): Front {
  const host = createPluginHost({
    plugins: { suite: { url: `unix:${socketPath}`, carrier } },
    edge: { forwarded: "off", upgrades: ["websocket", "test", "ws"] },
    logger: false,
  });
  const server = host.attach(createServer());
  prefixTargets(server);
  // It waits for the plugin: requests of clients that connect before "listening" wait, too.
  const started = host.start();
  return {
    server,
    serve: async () => {
      await started;
      await host.start();
    },
    stop: () => host.stop({ drainMs: 0 }),
  };
}

/** Tests ask for paths of their own. The host serves its plugin below a prefix. */
function prefixTargets(server: Server): void {
  for (const event of ["request", "checkContinue", "upgrade"]) {
    server.prependListener(event, prefix);
  }
  const upgradable = server as { shouldUpgradeCallback?: (request: IncomingMessage) => boolean };
  const before = upgradable.shouldUpgradeCallback;
  if (before !== undefined) {
    upgradable.shouldUpgradeCallback = (request) => {
      prefix(request);
      return before.call(server, request);
    };
  }
}

function prefix(request: IncomingMessage): void {
  const target = request.url ?? "";
  const pathAt = /^https?:\/\/[^/?#]*/i.exec(target)?.[0].length ?? 0;
  if (!target.startsWith(suitePath, pathAt)) {
    request.url = target.slice(0, pathAt) + suitePath + target.slice(pathAt);
  }
}

const suitePath = "/plugins/suite";
