// The machine's own load as server-sent events. One timer serves every subscriber, and stops with
// the last.
import { servePlugin } from "@servehttp/plugin-sdk";
import { eventsHandler } from "./events-handler.js";
import { FanOut } from "./fan-out.js";
import { loadBetween, type MachineLoad, readLoad } from "./machine-load.js";

const intervalMs = 500;

const loads = new FanOut<MachineLoad>((publish) => {
  let earlier = readLoad();
  const timer = setInterval(() => {
    const later = readLoad();
    publish(loadBetween(earlier, later));
    earlier = later;
  }, intervalMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
});

await servePlugin({ serveHTTP: eventsHandler(loads) });
