import { randomBytes } from "node:crypto";

/**
 * The id of a client's connection: a random part for this process, then a count. The same for the
 * same socket or HTTP/2 session.
 */
export function connectionIdOf(connection: object): string {
  let id = ids.get(connection);
  if (id === undefined) {
    count += 1;
    id = `${processId}-${count.toString(36)}`;
    ids.set(connection, id);
  }
  return id;
}

const ids = new WeakMap<object, string>();
const processId = randomBytes(6).toString("base64url");
let count = 0;
