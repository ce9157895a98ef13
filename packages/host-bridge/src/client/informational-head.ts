import { STATUS_CODES } from "node:http";
import type { FieldList } from "@servehttp/contract";

/** An interim response as HTTP/1.1 writes it: one character a byte. */
export function informationalHead(status: number, fields: FieldList): string {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Informational"}\r\n`;
  for (let index = 0; index < fields.length; index += 2) {
    head += `${fields[index]}: ${fields[index + 1]}\r\n`;
  }
  return `${head}\r\n`;
}
