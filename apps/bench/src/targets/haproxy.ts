import { configuredProxy } from "./configured-proxy.js";

/** HAProxy with its defaults (one thread a core) and connections to the plugin shared and kept. */
export const haproxy = configuredProxy({
  name: "HAProxy",
  program: "haproxy",
  aptPackage: "haproxy",
  command: (program, configPath) => [program, "-db", "-f", configPath],
  configure: ({ socketPath, port }) => `
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  http-reuse always
frontend clients
  bind 127.0.0.1:${port} backlog 4096
  default_backend plugin
backend plugin
  server plugin unix@${socketPath} pool-max-conn -1
`,
});
