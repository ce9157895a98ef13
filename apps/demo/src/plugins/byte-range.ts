/** What to answer to a `Range` field: the whole file, a part of it (both ends included), or 416. */
export type ByteRange =
  | { readonly kind: "whole" }
  | { readonly kind: "part"; readonly first: number; readonly last: number }
  | { readonly kind: "unsatisfiable" };

/**
 * Reads a `Range` field for a file of so many bytes, by RFC 9110 section 14. A field that is
 * malformed, of another unit, or with several ranges is ignored, which the RFC allows.
 *
 * The package range-parser, which Express uses, answers 416 to a suffix longer than the file, where
 * the RFC wants the whole of it.
 */
export function byteRangeOf(field: string | undefined, sizeBytes: number): ByteRange {
  const [, from = "", to = ""] = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(field ?? "") ?? [];
  if (from === "" && to === "") {
    return { kind: "whole" };
  }
  const first = from === "" ? Math.max(0, sizeBytes - Number(to)) : Number(from);
  const last = from === "" || to === "" ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1);
  if (from !== "" && to !== "" && Number(to) < Number(from)) {
    return { kind: "whole" };
  }
  return first > last ? { kind: "unsatisfiable" } : { kind: "part", first, last };
}
