/**
 * What serves the handlers: plain `node:http`, the bridge on one of its carriers, or a worker of a
 * bridge, on mux.
 */
export type TargetName = "direct" | "stream" | "mux" | "worker";

/**
 * The targets to run on: those that SERVEHTTP_TARGETS lists with commas between. Default: all but
 * `worker`, which differs from `mux` in who owns the plugin.
 */
export const targetNames = (process.env["SERVEHTTP_TARGETS"] ?? "direct,stream,mux").split(
  ",",
) as readonly TargetName[];
