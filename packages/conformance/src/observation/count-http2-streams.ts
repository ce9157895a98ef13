import { subscribe } from "node:diagnostics_channel";

/** Counts the HTTP/2 streams that are open in this process, on either side, from now on. */
export function countHttp2Streams(): () => number {
  let open = 0;
  for (const side of ["client", "server"]) {
    subscribe(`http2.${side}.stream.created`, () => {
      open += 1;
    });
    subscribe(`http2.${side}.stream.close`, () => {
      open -= 1;
    });
  }
  return () => open;
}
