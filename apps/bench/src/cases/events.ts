import { Child } from "../child.js";
import { nodeCommand } from "../targets/node-command.js";
import type { BenchCase } from "./bench-case.js";

const subscribers = 100;

/** How many events a plugin can send to many subscribers at once. */
export const events: BenchCase = {
  name: "events",
  title: `server-sent events to ${subscribers} subscribers`,
  metrics: [{ name: "delivered", unit: "events/s", better: "more", shown: "ratio to direct" }],
  async measure(target, { seconds }) {
    await using load = new Child("events", [
      ...nodeCommand("load-events"),
      target.host,
      ...[target.port, `${target.prefix}/events`, subscribers, seconds].map(String),
    ]);
    const result = await load.json<{ events: number; durationUs: number }>();
    return { delivered: (result.events * 1e6) / result.durationUs };
  },
};
