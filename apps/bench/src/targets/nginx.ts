import { userInfo } from "node:os";

import { type ConfiguredProxy, configuredProxy } from "./configured-proxy.js";

/** nginx as Debian sets it up (one worker a core), told to stream and to keep connections. */
export const nginxProxy: ConfiguredProxy = {
  name: "nginx",
  program: "nginx",
  aptPackage: "nginx-light",
  command: (program, configPath, { directory }) => [
    program,
    "-p",
    directory,
    "-c",
    configPath,
    "-e",
    "stderr",
  ],
  configure: ({ directory, socketPath, port }) => `
${workerUser()}
daemon off;
pid ${directory}/nginx.pid;
error_log stderr;
worker_processes auto;
worker_rlimit_nofile 65536;
events { worker_connections 30000; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  client_max_body_size 0;
  keepalive_requests 1000000000;
  tcp_nodelay on;
  upstream plugin {
    server unix:${socketPath};
    keepalive 512;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://plugin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_request_buffering off;
      proxy_buffering off;
      proxy_read_timeout 1h;
    }
  }
}
`,
};

export const nginx = configuredProxy(nginxProxy);

/** If root starts nginx, its workers run as a user that can't open the plugin's socket. */
function workerUser(): string {
  return userInfo().uid === 0 ? "user root;" : "";
}
