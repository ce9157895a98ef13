/** Whether this is Bun, whose HTTP servers differ from Node's in places that say so. */
export const isBun = process.versions["bun"] !== undefined;
