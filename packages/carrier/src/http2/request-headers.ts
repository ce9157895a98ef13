import { ServeHTTPError } from "@servehttp/contract";
import type { HeaderFields } from "../wire/header-fields.js";
import { frame, frameFlag, frameType, initialFrameBytesMax } from "./frames.js";
import { encodeFields, encodeIndexed, encodeIndexing, initialTableBytes } from "./hpack.js";

/** A form in which the fields of every request are written. */
export type HeadersForm = "literal" | "emptying" | "indexing" | "indexed";

/**
 * The HEADERS frames by which every stream of a host's connections begins: the same fields for all,
 * in the form that the peer's table of header fields (RFC 7541, section 2.3.2) is ready for. Each
 * is for stream 0.
 */
export class RequestHeaders {
  readonly #frames: Readonly<Record<HeadersForm, Buffer>>;
  readonly #tableBytes: number;

  /**
   * `fields` are those of each request, the pseudo-header fields first.
   *
   * @throws ServeHTTPError `invalid-argument` where they are too large for one frame
   */
  constructor(fields: HeaderFields) {
    const literal = encodeFields(fields);
    if (literal.length >= initialFrameBytesMax) {
      throw new ServeHTTPError("invalid-argument", "the token is too long for a header field");
    }
    const { block: indexing, tableBytes } = encodeIndexing(fields);
    this.#tableBytes = tableBytes;
    this.#frames = {
      literal: headersFrame(literal),
      // The peer wants less of a table than it begins with: none is what suits every size.
      emptying: headersFrame(Buffer.concat([Buffer.of(0x20), literal])),
      indexing: headersFrame(indexing),
      indexed: headersFrame(encodeIndexed(fields)),
    };
  }

  frame(form: HeadersForm): Buffer {
    return this.#frames[form];
  }

  /** The form of the next request, after one in this form. */
  after(form: HeadersForm): HeadersForm {
    return form === "indexing" ? "indexed" : form === "emptying" ? "literal" : form;
  }

  /**
   * The form of the next request once the peer's SETTINGS_HEADER_TABLE_SIZE has come, or its first
   * SETTINGS without it.
   */
  afterSettings(form: HeadersForm, tableBytes: number): HeadersForm {
    if (tableBytes < initialTableBytes) {
      return "emptying";
    }
    return form === "literal" && this.#tableBytes <= initialTableBytes ? "indexing" : form;
  }
}

function headersFrame(block: Buffer): Buffer {
  return frame(frameType.headers, frameFlag.endHeaders, 0, block);
}
