import type { PluginHandler } from "@servehttp/plugin-sdk";
import { expressApp } from "./express-app.js";
import { fastifyApp } from "./fastify-app.js";
import { honoApp, honoServer } from "./hono-app.js";
import { koaApp } from "./koa-app.js";
import { socketIoApp } from "./socket-io-app.js";
import { wsApp } from "./ws-app.js";

const apps = {
  express: expressApp,
  fastify: fastifyApp,
  koa: koaApp,
  hono: honoApp,
  "hono-server": honoServer,
  "socket.io": socketIoApp,
  ws: wsApp,
} as const satisfies Record<string, (directory: string) => PluginHandler | Promise<PluginHandler>>;

/** The applications that run bridged and directly. */
export type AppName = keyof typeof apps;

/**
 * Makes an application.
 *
 * @param directory where its files are: `text.txt`, `big.bin`, and a directory `uploads`
 */
export function createApp(
  name: AppName,
  directory: string,
): PluginHandler | Promise<PluginHandler> {
  return apps[name](directory);
}
