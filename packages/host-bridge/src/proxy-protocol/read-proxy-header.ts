import { readBinaryHeader, signature as binarySignature } from "./read-binary-header.js";
import { readTextHeader, signature as textSignature } from "./read-text-header.js";
import { headerFault, type HeaderFault, type ProxyHeader } from "./proxy-header.js";

/**
 * Reads the header of the PROXY protocol, version 1 or 2, with which a connection begins.
 * https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt
 *
 * @param bytes all that has come
 * @returns undefined while the header is not whole
 */
export function readProxyHeader(bytes: Buffer): ProxyHeader | HeaderFault | undefined {
  if (beginsLike(bytes, binarySignature)) {
    return readBinaryHeader(bytes);
  }
  if (beginsLike(bytes, textSignature)) {
    return readTextHeader(bytes);
  }
  return headerFault("is missing");
}

/** Whether bytes begin with a signature, or could do so once more of them have come. */
function beginsLike(bytes: Buffer, signature: Buffer): boolean {
  const length = Math.min(bytes.length, signature.length);
  return bytes.subarray(0, length).equals(signature.subarray(0, length));
}
