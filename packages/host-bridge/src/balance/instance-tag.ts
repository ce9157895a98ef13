import { hashOf } from "./hash.js";

/**
 * What a cookie says of the instance that a client is bound to: 13 characters at most, from which
 * nobody reads an address. The same on every host.
 */
export function instanceTag(name: string): string {
  return hashOf(name).toString(36) + hashOf(name, 0x9e3779b9).toString(36);
}
