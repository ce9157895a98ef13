import type { PluginRequest, ResponseWriter } from "@servehttp/plugin-sdk";
import type { FanOut } from "./fan-out.js";
import type { MachineLoad } from "./machine-load.js";
import { sendJSON } from "./send-json.js";

/** One event: the load, and the number of subscribers. */
export type LoadEvent = MachineLoad & { readonly subscribers: number };

/**
 * Serves the load of the machine:
 *
 * - `GET /` streams it as server-sent events, for as long as the client listens;
 * - `GET /subscribers` says how many listen, and whether the timer behind it runs.
 */
export function eventsHandler(loads: FanOut<MachineLoad>) {
  return async (request: PluginRequest, response: ResponseWriter): Promise<void> => {
    switch (`${request.method} ${request.url.split("?", 1)[0]}`) {
      case "GET /":
        return stream(loads, request, response);
      case "GET /subscribers":
        return sendJSON(response, 200, {
          subscribers: loads.subscriberCount,
          timerRuns: loads.running,
        });
      default:
        return sendJSON(response, 404, { error: "no such page" });
    }
  };
}

async function stream(
  loads: FanOut<MachineLoad>,
  request: PluginRequest,
  response: ResponseWriter,
): Promise<void> {
  response.headers.set("content-type", "text/event-stream");
  response.headers.set("cache-control", "no-store");
  await response.flush();
  for await (const load of loads.subscribe(request.signal)) {
    const event: LoadEvent = { ...load, subscribers: loads.subscriberCount };
    await response.write(`data: ${JSON.stringify(event)}\n\n`);
  }
}
