import { vi } from "vitest";

/** Counts the bytes that `run` copies by `Buffer.concat`, `copy` and `set`. */
export function copiedBytes(run: () => void): number {
  using concat = vi.spyOn(Buffer, "concat");
  using copy = vi.spyOn(Buffer.prototype, "copy");
  using set = vi.spyOn(Uint8Array.prototype, "set");
  run();
  let bytes = 0;
  for (const { value } of concat.mock.results) {
    bytes += (value as Buffer).length;
  }
  for (const { value } of copy.mock.results) {
    bytes += value as number;
  }
  for (const [source] of set.mock.calls) {
    bytes += source.length;
  }
  return bytes;
}
