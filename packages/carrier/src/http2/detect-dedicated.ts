import type { HeaderFields } from "../wire/header-fields.js";
import { dedicatedField, dedicatedValue } from "../wire/rpc-paths.js";
import { decodeFields } from "./hpack.js";
import { frameFlag, frameHeadBytes, frameType, preface, rpcStreamId } from "./frames.js";

/**
 * What the first bytes of a connection ask for, where it is one RPC with the connection to itself:
 * the fields of its request. Undefined for everything else, what is malformed included, and where
 * the request is not all there: a host writes its opening as one.
 */
export function detectDedicated(octets: Buffer): HeaderFields | undefined {
  if (octets.length < preface.length || !octets.subarray(0, preface.length).equals(preface)) {
    return undefined;
  }
  for (let at = preface.length; at + frameHeadBytes <= octets.length;) {
    const end = at + frameHeadBytes + octets.readUIntBE(at, 3);
    const type = octets[at + 3];
    if (type === frameType.headers) {
      return octets[at + 4] === frameFlag.endHeaders &&
        octets.readUInt32BE(at + 5) === rpcStreamId &&
        end <= octets.length
        ? dedicatedFields(octets.subarray(at + frameHeadBytes, end))
        : undefined;
    }
    at = end;
  }
  return undefined;
}

function dedicatedFields(block: Buffer): HeaderFields | undefined {
  try {
    const fields = decodeFields(block);
    return fields[dedicatedField] === dedicatedValue ? fields : undefined;
  } catch {
    // Not from a host of ours: Node's HTTP/2 says what is wrong with it.
    return undefined;
  }
}
