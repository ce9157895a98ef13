import { setTimeout as delay } from "node:timers/promises";
import { text } from "node:stream/consumers";
import type { Route } from "./route.js";

/** Requests at once, each of which needs a connection of its own between proxy and host. */
const connectionCount = 8;

/** How far from a time-out a burst of requests comes, in milliseconds. */
const distancesMs = [-60, -20, -5, 0, 5, 20, 60];

/**
 * Lets the connections between proxy and host rest for about as long as either keeps them, and then
 * uses them all, again and again. A proxy that uses one which the host is closing answers 502.
 */
export async function keepAliveRace(route: Route): Promise<string> {
  await using client = route.http1();
  const statuses = new Map<number, number>();
  const request = async (): Promise<void> => {
    const call = client.call("GET", "/plugins/notes/client");
    call.body.end();
    const { body, status } = await call.response;
    await text(body);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  };
  // Node closes an idle connection a second later than it says.
  const restsMs = [route.idleSeconds, route.hostIdleSeconds, route.hostIdleSeconds + 1]
    .flatMap((seconds) => distancesMs.map((distance) => seconds * 1_000 + distance))
    .concat(0);
  for (const restMs of restsMs) {
    // oxlint-disable-next-line no-await-in-loop -- one burst after the other
    await Promise.all(Array.from({ length: connectionCount }, request));
    // oxlint-disable-next-line no-await-in-loop
    await delay(restMs);
  }
  const others = [...statuses].filter(([status]) => status !== 200);
  return others.length === 0
    ? "yes"
    : `no: ${others.map(([status, count]) => `${count} times ${status}`).join(", ")}`;
}
