import type { RequestParts, ResponsePartsToWrite } from "./messages.js";

/** Parts of a request in words, read or to be written. */
export function requestText({ init, chunk, end, tunnelChunk, tunnelEnd }: RequestParts): string {
  return joined([
    init !== undefined && `init ${init.method ?? ""} ${init.url ?? ""}`,
    bytesText("chunk", chunk),
    end !== undefined && "end",
    bytesText("tunnel_chunk", tunnelChunk),
    tunnelEnd === true && "tunnel_end",
  ]);
}

/** Parts of a response in words, read or to be written. */
export function responseText(parts: ResponsePartsToWrite): string {
  return joined([
    ...(parts.informational ?? []).map(({ status = 0 }) => `informational ${status}`),
    parts.init !== undefined && `init ${parts.init.status ?? 0}`,
    parts.hijack !== undefined && "hijack",
    bytesText("chunk", parts.chunk),
    parts.flush === true && "flush",
    parts.end !== undefined && "end",
    bytesText("tunnel_chunk", parts.tunnelChunk),
    parts.tunnelEnd === true && "tunnel_end",
  ]);
}

function bytesText(name: string, bytes: Uint8Array | undefined): string | false {
  return bytes !== undefined && bytes.length > 0 && `${name} of ${bytes.length}`;
}

function joined(parts: readonly (string | false)[]): string {
  return parts.filter((part) => part !== false).join(" + ") || "an empty message";
}
