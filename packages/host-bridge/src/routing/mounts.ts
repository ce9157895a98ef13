import { ServeHTTPError } from "@servehttp/contract";
import { hostNameOf } from "../syntax/host-name.js";

/** What says where a plugin is, and what it sees of the path. */
export interface MountOptions {
  readonly id: string;
  /** `Mount.basePath` */
  readonly basePath: string;
  /** Default: `"stripped"`, which a handler in the host's process is not asked for. */
  readonly path?: "stripped" | "full";
  /** Host names in lower case. */
  readonly hosts: readonly string[];
  /** Default: false. */
  readonly rewriteRedirects?: boolean;
  /** Default: false. */
  readonly redirectToSlash?: boolean;
}

/** Where a plugin is, and what it sees of the path. Made once for each plugin. */
export interface Mount {
  readonly pluginId: string;
  /**
   * In front of the plugin's own "/", where no framework has removed a mount path: public path,
   * prefix and id. Empty under a host name of the plugin's own.
   */
  readonly basePath: string;
  /** The plugin gets the whole path. */
  readonly fullPath: boolean;
  /** Its redirects and cookies get the base path. */
  readonly rewritesRedirects: boolean;
  /** Its bare path is redirected to the one with a slash. */
  readonly redirectsToSlash: boolean;
}

/** Where the plugins of a host are. */
export class Mounts {
  /** In front of the plugins' ids: `"/plugins"`, no slash at the end. Empty when ids come first. */
  readonly prefix: string;
  /** In front of the prefix, for clients only: what a proxy removes. No slash at the end. */
  readonly publicPath: string;
  /** What was routed holds while this is the same. No two sets of mounts ever have the same. */
  version = nextVersion();
  #byId = new Map<string, Mount>();
  /** By names in lower case. */
  #byHost = new Map<string, Mount>();

  constructor(prefix: string, publicPath: string) {
    this.prefix = prefix;
    this.publicPath = publicPath;
  }

  /**
   * Adds a plugin with all its host names, or nothing of it.
   *
   * @throws ServeHTTPError `invalid-argument` for a host name that another plugin has
   */
  add(options: MountOptions): void {
    addMount(this.#byId, this.#byHost, options);
    this.version = nextVersion();
  }

  /**
   * Checks that these may be all plugins there are. Returns what makes them that.
   *
   * @throws ServeHTTPError `invalid-argument` for a host name that two of them have
   */
  plan(all: readonly MountOptions[]): () => void {
    const byId = new Map<string, Mount>();
    const byHost = new Map<string, Mount>();
    for (const options of all) {
      addMount(byId, byHost, options);
    }
    return () => {
      this.#byId = byId;
      this.#byHost = byHost;
      this.version = nextVersion();
    };
  }

  remove(id: string): void {
    this.version = nextVersion();
    this.#byId.delete(id);
    for (const [host, { pluginId }] of this.#byHost) {
      if (pluginId === id) {
        this.#byHost.delete(host);
      }
    }
  }

  /** Where a plugin is, or would be if there were one of that id. */
  get(id: string): Mount {
    return (
      this.#byId.get(id) ?? {
        pluginId: id,
        basePath: `${this.publicPath}${this.prefix}/${id}`,
        fullPath: false,
        rewritesRedirects: false,
        redirectsToSlash: false,
      }
    );
  }

  /** Whether a plugin has a host name of its own. */
  get hasHosts(): boolean {
    return this.#byHost.size > 0;
  }

  /** The plugin that has the host name in a Host field or an authority. */
  byHost(host: string): Mount | undefined {
    const name = hostNameOf(host);
    return name === undefined ? undefined : this.#byHost.get(name);
  }
}

let versions = 0;

function nextVersion(): number {
  versions += 1;
  return versions;
}

function addMount(
  byId: Map<string, Mount>,
  byHost: Map<string, Mount>,
  options: MountOptions,
): void {
  const { id, basePath, hosts } = options;
  for (const host of hosts) {
    const other = byHost.get(host);
    if (other !== undefined) {
      throw new ServeHTTPError(
        "invalid-argument",
        `plugins.${id}.hosts: got ${JSON.stringify(host)}, allowed is a host name that no other plugin has; ${JSON.stringify(other.pluginId)} has it`,
      );
    }
  }
  const mount: Mount = {
    pluginId: id,
    basePath,
    fullPath: options.path === "full",
    rewritesRedirects: options.rewriteRedirects === true,
    redirectsToSlash: options.redirectToSlash === true,
  };
  byId.set(id, mount);
  for (const host of hosts) {
    byHost.set(host, { ...mount, basePath: "" });
  }
}
