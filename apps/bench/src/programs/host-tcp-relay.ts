/**
 * What Node can do without HTTP: accepts a TCP connection and relays it by `stream.pipeline` both
 * ways. Arguments: the unix socket of the plugin.
 */
import { connect, createServer } from "node:net";
import { pipeline } from "node:stream";

import { announce } from "./announce.js";

const socketPath = process.argv[2] ?? "";

const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const plugin = connect({ path: socketPath, allowHalfOpen: true });
  const onOver = (error: Error | null | undefined) => {
    if (error) {
      client.destroy();
      plugin.destroy();
    }
  };
  pipeline(client, plugin, onOver);
  pipeline(plugin, client, onOver);
});
announce(server, undefined);
