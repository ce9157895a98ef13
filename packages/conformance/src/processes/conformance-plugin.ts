import { type Logger, servePlugin } from "@servehttp/plugin-sdk";
import { behaviours } from "../behaviours/index.js";
import { measuredHandlers } from "../measured-handlers.js";
import { Observer } from "../observation/observer.js";
import { dispatchTo } from "./dispatch.js";

/** The plugin of the bridged targets: `node conformance-plugin.js OBSERVATION_SOCKET ROLE`. */
const [, , observationPath = "", role = "plugin"] = process.argv;
const observer = await Observer.connect(observationPath, role, {
  address: process.env["SERVEHTTP_ADDRESS"],
  token: process.env["SERVEHTTP_TOKEN"],
  basePath: process.env["SERVEHTTP_BASE_PATH"],
});
// Its host ends it, also when the test process has gone.
observer.beforeExit = () => new Promise(() => undefined);
await servePlugin(
  { serveHTTP: dispatchTo([...behaviours, ...measuredHandlers], observer) },
  { logger: logTo(observer) },
);

/** Reports log lines as events: hundreds of handlers fail on purpose. */
function logTo(to: Observer): Logger {
  const log = (level: string) => (fields: object, message?: string) => {
    to.event("log", level, { ...fields, message });
  };
  return { warn: log("warn"), error: log("error") };
}
