import type { PluginHandler } from "@servehttp/plugin-sdk";

// Each process loads the framework that it serves, and no other.
const apps = {
  express: async () => (await import("./express-app.js")).expressApp,
  fastify: async () => (await import("./fastify-app.js")).fastifyApp,
  koa: async () => (await import("./koa-app.js")).koaApp,
  hono: async () => (await import("./hono-app.js")).honoApp,
  "hono-server": async () => (await import("./hono-app.js")).honoServer,
  "socket.io": async () => (await import("./socket-io-app.js")).socketIoApp,
  trpc: async () => (await import("./trpc-app.js")).trpcApp,
  graphql: async () => (await import("./graphql-app.js")).graphqlApp,
  ai: async () => (await import("./ai-app.js")).aiApp,
  ws: async () => (await import("./ws-app.js")).wsApp,
} as const satisfies Record<
  string,
  () => Promise<(directory: string) => PluginHandler | Promise<PluginHandler>>
>;

/** The applications that run bridged and directly. */
export type AppName = keyof typeof apps;

/**
 * Makes an application.
 *
 * @param directory where its files are: `text.txt`, `big.bin`, and a directory `uploads`
 */
export async function createApp(name: AppName, directory: string): Promise<PluginHandler> {
  const make = await apps[name]();
  return make(directory);
}
