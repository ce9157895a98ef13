/** What serves the handlers: plain `node:http`, or the bridge on one of its carriers. */
export type TargetName = "direct" | "stream" | "mux";

/** The targets to run on: all, or those that SERVEHTTP_TARGETS lists with commas between. */
export const targetNames = (process.env["SERVEHTTP_TARGETS"] ?? "direct,stream,mux").split(
  ",",
) as readonly TargetName[];
