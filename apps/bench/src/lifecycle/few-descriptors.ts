import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

import { nodeCommand } from "../targets/node-command.js";
import { ChildHost } from "./child-host.js";
import { LifecycleLoad } from "./lifecycle-load.js";
import type { LifecycleResult } from "./lifecycle-result.js";

const descriptors = 256;
const clientCount = 400;
const withoutMs = 15_000;
const recoverMs = 60_000;

/**
 * More clients than a host has descriptors, and its plugin is killed meanwhile: the plugin is not
 * given up, and is served again once clients have left.
 */
export async function fewDescriptors(): Promise<LifecycleResult> {
  const command = nodeCommand("host-lifecycle");
  await using host = await ChildHost.start(`ulimit -n ${descriptors}; exec "$@"`, command);
  const clients = Array.from({ length: clientCount }, () => holdOpen(host.port));
  await delay(1_000);
  process.kill(host.pluginPid, "SIGKILL");
  await delay(withoutMs);
  for (const client of clients) {
    client.destroy();
  }
  await using load = new LifecycleLoad(host.port, [], 1, 1);
  const sinceMs = performance.now();
  let outcome = await load.ask("notes", 1_000, 1);
  while (outcome !== "whole" && performance.now() - sinceMs < recoverMs) {
    await delay(100);
    outcome = await load.ask("notes", 1_000, 1);
  }
  const seconds = Math.round((performance.now() - sinceMs) / 1_000);
  return {
    isRight: outcome === "whole",
    text: `a host with ${descriptors} descriptors, ${clientCount} clients, its plugin killed meanwhile: ${outcome} ${seconds} s after the clients had left`,
  };
}

/** A client that has sent half a request. */
function holdOpen(port: number): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write("GET /plugins/notes/bytes?count=1&seed=1 HTTP/1.1\r\nHost: a\r\n");
  return socket;
}
