import type { TargetName } from "../behaviour.js";

/** The targets to run on: all, or those that SERVEHTTP_TARGETS lists with commas between. */
export const targetNames = (process.env["SERVEHTTP_TARGETS"] ?? "direct,stream,mux").split(
  ",",
) as readonly TargetName[];
