import type { ListenAddress } from "./listen-address.js";

/** The first descriptor that a service manager passes. */
const firstFd = 3;

/**
 * The sockets that systemd has passed to this process, as `sd_listen_fds` finds them (LISTEN_PID and
 * LISTEN_FDS), or that the host whose place it takes was given so.
 */
export function passedSockets(
  environment: Readonly<Record<string, string | undefined>>,
): readonly ListenAddress[] {
  const { LISTEN_PID: pid, LISTEN_FDS: count, SERVEHTTP_UPGRADE: upgrade } = environment;
  const isForUs = pid === String(process.pid) || upgrade !== undefined;
  return isForUs && /^\d{1,4}$/.test(count ?? "")
    ? Array.from({ length: Number(count) }, (_, index) => ({ kind: "fd", fd: firstFd + index }))
    : [];
}
