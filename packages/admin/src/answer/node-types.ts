import type { NodeRequest, NodeResponse } from "@servehttp/host-bridge";

/** A request to the admin; Express and Connect add `originalUrl`, and parsers of bodies `body`. */
export type AdminRequest = NodeRequest & {
  readonly originalUrl?: string | undefined;
  readonly body?: unknown;
};

/** Its response. */
export type AdminResponse = NodeResponse;
