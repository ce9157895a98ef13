import { dirname, relative, resolve, sep } from "node:path";
import { statSync } from "node:fs";
import { watch } from "chokidar";
import type { PluginOptions } from "../options/options.js";
import { systemClock } from "../process/clock.js";
import { type PluginReload, PluginReloads } from "./plugin-reloads.js";

/** What is watched, and what is told of it. */
export interface WatchOptions {
  /**
   * Files and folders of each plugin, by its id; folders with all that is in them. `pluginFiles`
   * tells them for a plugin that is a command. Paths are relative to the working directory.
   */
  readonly files: Readonly<Record<string, readonly string[]>>;
  /**
   * Which files of a folder count, by their path from there. Default: programs and what belongs to
   * pages (`.js`, `.ts`, `.py`, `.html`, `.css` and the like) and `package.json`; nothing in
   * `node_modules`, `__pycache__` and in folders that begin with a dot. So a plugin may write data
   * beside its program without being reloaded.
   */
  readonly isWatched?: (path: string) => boolean;
  /** How long nothing may change until the plugin reloads, in milliseconds. Default: 100. */
  readonly settleMs?: number;
  /** Called behind each reload, whether the new processes started or not. Default: nobody is told. */
  readonly onReload?: (reload: PluginReload) => void;
}

/** A watch over plugins' files. */
export interface PluginWatch extends AsyncDisposable {
  /** Ends the watch. */
  close(): Promise<void>;
}

/**
 * Reloads plugins of a host when their files change: the new processes are ready before the old ones
 * drain, so that no request is dropped. Where the new ones don't start, the old ones keep running,
 * and `onReload`, the log and `host.plugins` (`failures`) say why, with the last lines on standard
 * error. Resolves when the watch is on.
 *
 * ```ts
 * await using watch = await watchPlugins(host, { files: { notes: ["./notes"] } });
 * ```
 *
 * @param host of which only `reload` is called
 */
export async function watchPlugins(
  host: { reload(id: string, options: { readonly until: "ready" }): Promise<void> },
  options: WatchOptions,
): Promise<PluginWatch> {
  const { files, isWatched = isProgram, onReload, settleMs = 100 } = options;
  const watched = Object.entries(files).map(([id, paths]) => ({
    paths: paths.map((path) => resolve(path)),
    reloads: new PluginReloads({
      id,
      settleMs,
      reload: () => host.reload(id, { until: "ready" }),
      onReload: (reload) => onReload?.(reload),
      clock: systemClock,
    }),
  }));
  const roots = [...new Set(watched.flatMap(({ paths }) => paths))];
  const watcher = watch(roots, {
    ignoreInitial: true,
    ignored: (path, stats) =>
      roots
        .filter((root) => isIn(path, root))
        .every(
          (root) => path !== root && !counts(relative(root, path), stats?.isFile(), isWatched),
        ),
  });
  watcher.on("all", (_event, path) => {
    for (const { paths, reloads } of watched) {
      if (paths.some((root) => isIn(path, root))) {
        reloads.changed(path);
      }
    }
  });
  await new Promise<void>((done) => {
    watcher.once("ready", () => done());
  });
  const close = async (): Promise<void> => {
    for (const { reloads } of watched) {
      reloads.close();
    }
    await watcher.close();
  };
  return { close, [Symbol.asyncDispose]: close };
}

function isIn(path: string, root: string): boolean {
  return path === root || path.startsWith(root + sep);
}

/**
 * The files to watch of a plugin: the folder of the script that its command names, else its working
 * directory (`cwd`) where it has one, else the program itself where that is given by a path. None
 * for a plugin that is no command.
 */
export function pluginFiles(plugin: PluginOptions): readonly string[] {
  if (!("command" in plugin) || plugin.command === undefined) {
    return [];
  }
  const [program = "", ...args] = plugin.command;
  const { cwd = "." } = plugin;
  const script = args.map((one) => resolve(cwd, one)).find(isFile);
  if (script !== undefined) {
    return [dirname(script)];
  }
  if (plugin.cwd !== undefined) {
    return [plugin.cwd];
  }
  return program.includes("/") && isFile(program) ? [program] : [];
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

const programs =
  /(?:\.(?:[cm]?[jt]sx?|py|html?|css|svg|ejs|hbs|graphql|proto|wasm|node)|(?:^|\/)package\.json)$/i;

function isProgram(path: string): boolean {
  return programs.test(path);
}

/** Folders are looked into unless they hold what somebody else has written. */
function counts(
  path: string,
  isKnownFile: boolean | undefined,
  isWatched: (path: string) => boolean,
): boolean {
  const parts = path.split(sep);
  const folders = isKnownFile === true ? parts.slice(0, -1) : parts;
  const isForeign = folders.some(
    (name) => name.startsWith(".") || name === "node_modules" || name === "__pycache__",
  );
  return !isForeign && (isKnownFile !== true || isWatched(parts.join("/")));
}
