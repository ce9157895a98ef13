const shortages: ReadonlyMap<unknown, string> = new Map([
  ["EMFILE", "the host has no file descriptors left (EMFILE): raise its limit, ulimit -n"],
  ["ENFILE", "the system has no file descriptors left (ENFILE)"],
  ["ENOMEM", "the system has no memory left (ENOMEM)"],
  ["ENOBUFS", "the system has no memory left for sockets (ENOBUFS)"],
  ["ENOSPC", "the disk is full (ENOSPC)"],
]);

/**
 * What the host's process or its system has run out of, in words, and what to do. Undefined where
 * an error, and whatever caused it, has other reasons.
 */
export function shortageText(error: unknown): string | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    const text = shortages.get((one as NodeJS.ErrnoException).code);
    if (text !== undefined) {
      return text;
    }
  }
  return undefined;
}
