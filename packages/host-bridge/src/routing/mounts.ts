/** What says where a plugin is, and what it sees of the path. */
export interface MountOptions {
  readonly id: string;
  /** `Mount.basePath` */
  readonly basePath: string;
  /** Default: `"stripped"`, which a handler in the host's process is not asked for. */
  readonly path?: "stripped" | "full";
}

/** Where a plugin is, and what it sees of the path. Made once for each plugin. */
export interface Mount {
  readonly pluginId: string;
  /**
   * In front of the plugin's own "/", where no framework has removed a mount path: public path,
   * prefix and id.
   */
  readonly basePath: string;
  /** The plugin gets the whole path. */
  readonly fullPath: boolean;
}

/** Where the plugins of a host are. */
export class Mounts {
  /** In front of the plugins' ids: `"/plugins"`, no slash at the end. Empty when ids come first. */
  readonly prefix: string;
  /** In front of the prefix, for clients only: what a proxy removes. No slash at the end. */
  readonly publicPath: string;
  readonly #byId = new Map<string, Mount>();

  constructor(prefix: string, publicPath: string) {
    this.prefix = prefix;
    this.publicPath = publicPath;
  }

  add({ id, basePath, path }: MountOptions): void {
    this.#byId.set(id, { pluginId: id, basePath, fullPath: path === "full" });
  }

  remove(id: string): void {
    this.#byId.delete(id);
  }

  /** Where a plugin is, or would be if there were one of that id. */
  get(id: string): Mount {
    return (
      this.#byId.get(id) ?? {
        pluginId: id,
        basePath: `${this.publicPath}${this.prefix}/${id}`,
        fullPath: false,
      }
    );
  }
}
