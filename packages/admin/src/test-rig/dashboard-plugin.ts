import { once } from "node:events";
import { servePlugin } from "@servehttp/plugin-sdk";

/**
 * A plugin for tests of the dashboard: `/hang` answers nothing, `/stream` begins and goes on for ever,
 * `/print` prints the request's body on standard error, `/end` ends the process by an exception.
 * Everything else is answered at once.
 */
await servePlugin({
  async serveHTTP(request, response) {
    const [, what] = request.url.split("/");
    switch (what) {
      case "hang":
        await once(request.signal, "abort");
        return;
      case "stream":
        await response.write("beginning");
        await once(request.signal, "abort");
        return;
      case "print":
        process.stderr.write(`${await request.text()}\n`);
        break;
      case "end":
        setImmediate(() => {
          throw new RangeError("the disk is full");
        });
        break;
      default:
    }
    await response.end("done");
  },
});
