import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { behaviours } from "../behaviours/index.js";
import { measuredHandlers } from "../measured-handlers.js";
import { Observer } from "../observation/observer.js";
import { referenceListener } from "../targets/reference-listener.js";
import { dispatchTo } from "./dispatch.js";

/** The direct target: `node direct-server.js OBSERVATION_SOCKET`. */
const [, , observationPath = ""] = process.argv;
// So that a connection that Node keeps open by mistake is noticed soon.
const http1 = createServer({ keepAliveTimeout: 1_000 });
const http2 = createHttp2Server();
http1.listen(0, "127.0.0.1");
http2.listen(0, "127.0.0.1");
await Promise.all([once(http1, "listening"), once(http2, "listening")]);
const observer = await Observer.connect(observationPath, "direct", {
  http1Port: (http1.address() as AddressInfo).port,
  http2Port: (http2.address() as AddressInfo).port,
});
const listener = referenceListener(dispatchTo([...behaviours, ...measuredHandlers], observer));
http1.on("request", listener);
http2.on("request", (request, response) => {
  listener(request as unknown as IncomingMessage, response as unknown as ServerResponse);
});
