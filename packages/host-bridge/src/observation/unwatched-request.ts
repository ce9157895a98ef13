import type { FieldList } from "@servehttp/contract";
import type { ClientResponse } from "../client/client-response.js";
import type { WatchedRequest } from "./watched-request.js";

/**
 * A request that is traced and not recorded, where nobody else watches: its plugin gets the ids, and
 * nothing else is made of it. Hot: the small GET of `apps/bench`.
 */
export class UnwatchedRequest implements WatchedRequest {
  readonly traceFields: FieldList;

  constructor(traceFields: FieldList) {
    this.traceFields = traceFields;
  }

  open(response: ClientResponse): ClientResponse {
    return response;
  }

  waits(): void {
    // Nobody is told.
  }

  sent(): void {
    // Nobody is told.
  }

  givenBack(): void {
    // Nobody is told.
  }

  becameTunnel(): void {
    // Nobody is told.
  }

  over(): void {
    // Nobody is told.
  }

  answered(): void {
    // Nobody is told.
  }

  handled(): void {
    // Nobody is told.
  }
}
