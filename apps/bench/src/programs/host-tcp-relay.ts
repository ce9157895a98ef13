/**
 * What Node can do without HTTP: accepts a TCP connection and relays it by `stream.pipeline` both ways. Arguments: the unix
 * socket of the plugin.
 */
import { connect, createServer } from "node:net";
import { pipeline } from "node:stream";

import { announce } from "./announce.js";

const socketPath = process.argv[2] ?? "";

const server = createServer({ allowHalfOpen: true, noDelay: true }, (caller) => {
  const plugin = connect({ path: socketPath, allowHalfOpen: true });
  const onOver = (error: Error | null | undefined) => {
    if (error) {
      caller.destroy();
      plugin.destroy();
    }
  };
  pipeline(caller, plugin, onOver);
  pipeline(plugin, caller, onOver);
});
announce(server, undefined);
