import type { ListenOptions } from "node:net";
import { UsageError } from "../usage-error.js";
import type { StackGate } from "./stack-gate.js";

/** Where the kit serves its plugin. */
export interface ServeAddress {
  readonly listen: ListenOptions;
  /** As hosts name it, once it listens. */
  text(gate: StackGate): string;
}

/**
 * Reads `unix:/path`, `127.0.0.1:50051` or `http://127.0.0.1:50051`. Port 0 lets the system choose.
 *
 * @throws UsageError for any other text
 */
export function readServeAddress(text: string): ServeAddress {
  if (text.startsWith("unix:") && text !== "unix:") {
    return { listen: { path: text.slice("unix:".length) }, text: () => text };
  }
  const [, host, port] =
    /^(?:http:\/\/)?(\[[0-9a-f:]+\]|[^\s:/[\]]+):(\d{1,5})\/?$/i.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535) {
    throw new UsageError(`--serve ${text}: it is unix:/path or 127.0.0.1:PORT`);
  }
  return {
    listen: { host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) },
    text: (gate) => `http://${host}:${gate.port}`,
  };
}
