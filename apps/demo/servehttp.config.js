// `npm start` runs the servehttp command with this: a host with six plugins, and a page.
import { defineConfig } from "servehttp";
import { demoDataDirectory } from "./dist/demo-data-directory.js";
import { demoStatus, killPlugin } from "./dist/demo-status.js";
import { leanNodeFlags } from "./dist/lean-node-flags.js";
import { readPageFiles } from "./dist/page-files.js";
import { pageListener } from "./dist/page-listener.js";
import { sessionCookieName, Sessions } from "./dist/sessions.js";

const dataDirectory = demoDataDirectory(process.env);
const sessions = new Sessions();
const page = pageListener({ files: readPageFiles(), sessions });

const pluginOf = (name, ...args) => ({
  command: [process.execPath, ...leanNodeFlags, `dist/plugins/${name}.js`, ...args],
});

export default defineConfig({
  listen: "127.0.0.1:${PORT:-0}",
  plugins: {
    // An upload is answered when it is complete, however long that takes; the idle time still holds.
    files: { ...pluginOf("files", dataDirectory), timeouts: { headMs: 0 } },
    events: pluginOf("events"),
    hello: pluginOf("hello"),
    chat: pluginOf("chat"),
    express: pluginOf("express"),
    hono: pluginOf("hono"),
  },
  identity: (request) => ({ "x-user-id": sessions.userOf(request) }),
  context: (request) => contextOf(sessions.userOf(request)),
  edge: { strip: { cookies: [sessionCookieName] }, protectedCookies: [sessionCookieName] },
  // Event streams and chats never end by themselves: a longer wait gains nothing.
  timeouts: { drainMs: 2_000 },
  logLevel: "warn",
  app: (request, response, host) =>
    page(request, response, {
      status: () => ({ dataDirectory, ...demoStatus(host) }),
      kill: (pluginId) => killPlugin(host, pluginId),
    }),
});

function contextOf(user) {
  return user === undefined ? {} : { user };
}
