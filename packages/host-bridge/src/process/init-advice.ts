/**
 * What to say of a host that is the first process of its container, where nobody else ends orphans;
 * undefined for any other process.
 */
export function initAdvice(pid: number): string | undefined {
  return pid === 1
    ? "the host runs as process 1: Node leaves dead processes of plugins behind there, and SIGTERM ends it only where it listens for it; put an init in front, for instance by docker run --init"
    : undefined;
}
