/** Whether this is Node. Deno and Bun have servers of their own behind Node's interface. */
export const isNode =
  process.versions["deno"] === undefined && process.versions["bun"] === undefined;
