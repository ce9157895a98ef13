import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type HostOptions, type PluginOptions, ServeHTTPError } from "@servehttp/host-bridge";
import type { readServiceUrl, serviceInstances } from "@servehttp/kubernetes";
import { saidWrong } from "../context/command-error.js";

/** What is used of the package. */
interface Kubernetes {
  readonly readServiceUrl: typeof readServiceUrl;
  readonly serviceInstances: typeof serviceInstances;
}

type Discover = ReturnType<typeof serviceInstances>;

/**
 * Has plugins at `kubernetes:///service.namespace:port` found by `@servehttp/kubernetes`, which is
 * loaded where there is one and needed then only. Everything else is left as it is.
 *
 * @param directory where the package is looked for, too
 * @param packageName another one, in a test
 * @throws CommandError where the package is not installed, or a URL is wrong
 */
export async function discoverServices(
  host: HostOptions,
  directory: string,
  packageName = "@servehttp/kubernetes",
): Promise<HostOptions> {
  if (typeof host.plugins !== "object" || host.plugins === null) {
    return host;
  }
  const plugins: Record<string, PluginOptions> = {};
  for (const [id, plugin] of Object.entries(host.plugins)) {
    plugins[id] = isOfKubernetes(plugin)
      ? withDiscover(id, plugin, await loadFor(id, plugin, packageName, directory))
      : plugin;
  }
  return { ...host, plugins };
}

interface ServicePlugin {
  readonly url: string;
  readonly tls?: unknown;
}

function isOfKubernetes(plugin: unknown): plugin is ServicePlugin {
  const { url } = (plugin ?? {}) as { readonly url?: unknown };
  return typeof url === "string" && /^kubernetes:/i.test(url);
}

function withDiscover(
  id: string,
  { url, ...options }: ServicePlugin,
  kubernetes: Kubernetes,
): PluginOptions {
  const scheme = options.tls === undefined ? "http" : "https";
  try {
    return { ...options, discover: discoverOf(kubernetes, url, scheme) } as PluginOptions;
  } catch (thrown) {
    const isWrong = thrown instanceof ServeHTTPError && thrown.code === "invalid-argument";
    throw isWrong ? saidWrong(`plugins.${id}.url: ${thrown.message}`, thrown) : thrown;
  }
}

/** So that a plugin whose options are read again and say the same has the same ones. */
const made = new Map<string, Discover>();

function discoverOf(kubernetes: Kubernetes, url: string, scheme: "http" | "https"): Discover {
  const key = `${scheme} ${url}`;
  const discover =
    made.get(key) ?? kubernetes.serviceInstances({ ...kubernetes.readServiceUrl(url), scheme });
  made.set(key, discover);
  return discover;
}

async function loadFor(
  id: string,
  { url }: ServicePlugin,
  packageName: string,
  directory: string,
): Promise<Kubernetes> {
  try {
    return await loadPackage(packageName, directory);
  } catch (thrown) {
    const message = `${url} needs a package that is not installed: npm install ${packageName}`;
    throw isMissing(thrown, packageName)
      ? saidWrong(`plugins.${id}.url: ${message}`, thrown)
      : thrown;
  }
}

/** From where the command is installed, or else from where the config is. */
async function loadPackage(packageName: string, directory: string): Promise<Kubernetes> {
  try {
    return (await import(packageName)) as Kubernetes;
  } catch (thrown) {
    if (!isMissing(thrown, packageName)) {
      throw thrown;
    }
  }
  const path = createRequire(join(directory, "config.js")).resolve(packageName);
  return (await import(pathToFileURL(path).href)) as Kubernetes;
}

/** It is missing itself, and not what it needs. */
function isMissing(thrown: unknown, packageName: string): boolean {
  const { code, message } = thrown as NodeJS.ErrnoException;
  return (
    ["MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND"].includes(code ?? "") &&
    message.includes(`'${packageName}'`)
  );
}
