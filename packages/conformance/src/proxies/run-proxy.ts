import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort, TemporaryDirectory, testCertificates } from "@servehttp/testkit";
import { http1Client, http2Client } from "../hosts/host-client.js";
import { ProgramDirectory } from "../hosts/program-directory.js";
import { checks } from "./checks.js";
import { documentedConfiguration, placed, type Places } from "./documented-configuration.js";
import type { FetchedProxy, Proxy } from "./known-proxies.js";
import type { Route } from "./route.js";
import { ServedProgram } from "./served-program.js";

/** What was found behind one proxy. */
export interface ProxyResult {
  readonly proxy: Proxy;
  readonly version: string;
  /** What each check saw, by its name. */
  readonly found: ReadonlyMap<string, string>;
}

/** How long a check may take. */
const checkMsMax = 240_000;

/** How often a proxy that has just started is asked, every 100 ms. */
const firstAnswerAttempts = 300;

/**
 * Starts a host and a proxy as the page says, and checks what clients see.
 *
 * @throws Error where the host or the proxy does not start
 */
export async function runProxy(
  proxy: Proxy,
  { start, version }: FetchedProxy,
  onCheck: (name: string, found: string) => void,
): Promise<ProxyResult> {
  await using directory = await TemporaryDirectory.make();
  const { key, cert } = testCertificates().plugin;
  await writeFiles(directory.path, {
    "cert.pem": cert,
    "key.pem": key,
    "cert-and-key.pem": cert + key,
  });
  const places: Places = {
    hostPort: await freePort(),
    hostSocket: directory.at("host.sock"),
    publicPort: await freePort(),
    certificates: directory.path,
    idleSeconds: 1,
    hostIdleSeconds: 2,
  };
  await using programs = await ProgramDirectory.create({
    "notes.js": `import "../proxies/proxied-plugin.js";\n`,
    "program.js": placed(documentedConfiguration(proxy.hostSection), places),
  });
  const isOverUnix = proxy.hostSection.includes("unix");
  await using _host = await ServedProgram.start(
    [process.execPath, "program.js"],
    { cwd: programs.path },
    isOverUnix ? { path: places.hostSocket } : { host: "127.0.0.1", port: places.hostPort },
  );
  const { command, env, files } = start({
    directory: directory.path,
    configuration: placed(documentedConfiguration(proxy.section, proxy.changes), places),
    publicPort: places.publicPort,
    idleSeconds: places.idleSeconds,
  });
  await writeFiles(directory.path, files);
  await using _proxy = await ServedProgram.start(
    command,
    { cwd: directory.path, env },
    { host: "127.0.0.1", port: places.publicPort },
  );
  await firstAnswer(routeTo(proxy, places));
  const found = new Map<string, string>();
  for (const check of checks) {
    // oxlint-disable-next-line no-await-in-loop -- one check after the other
    const seen = await inTime(check.run(routeTo(proxy, places)));
    found.set(check.name, seen);
    onCheck(check.name, seen);
  }
  return { proxy, version: version(), found };
}

/** Waits for an answer of the plugin: Traefik listens before it has read its configuration. */
async function firstAnswer(route: Route): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      // oxlint-disable no-await-in-loop -- one attempt after the other
      await using client = route.http1();
      const call = client.call("GET", "/plugins/notes/client");
      call.body.end();
      const { body, status } = await call.response;
      body.resume();
      if (status === 200) {
        return;
      }
      throw new Error(`the plugin's first answer is ${status}`);
    } catch (error) {
      if (attempt === firstAnswerAttempts) {
        throw error;
      }
      await delay(100);
      // oxlint-enable no-await-in-loop
    }
  }
}

function routeTo({ secure, passesBytes = false }: Proxy, places: Places): Route {
  const clientIp = "127.0.0.2";
  return {
    secure,
    passesBytes,
    clientIp,
    http1: () => http1Client(places.publicPort, secure, clientIp),
    http2: () =>
      secure
        ? http2Client(places.publicPort, true, clientIp)
        : Promise.reject(new Error("no HTTP/2")),
    idleSeconds: places.idleSeconds,
    hostIdleSeconds: places.hostIdleSeconds,
  };
}

async function writeFiles(
  directory: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  await Promise.all(
    Object.entries(files).map(([name, content]) => writeFile(join(directory, name), content)),
  );
}

/** What a check saw, or that it failed. */
async function inTime(check: Promise<string>): Promise<string> {
  const timeout = Promise.withResolvers<string>();
  const timer = setTimeout(() => timeout.resolve("no: nothing happened"), checkMsMax);
  try {
    return await Promise.race([check, timeout.promise]);
  } catch (error) {
    return `no: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    clearTimeout(timer);
  }
}
