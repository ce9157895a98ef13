import { connect } from "node:tls";

/** How long a server may take to answer the first message of a handshake, in milliseconds. */
const answerMs = 1_000;

/** Whether a server answers a handshake of TLS. Nothing is sent to it beside. */
export async function speaksTls(address: {
  readonly host: string;
  readonly port: number;
}): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const { host, port } = address;
  const socket = connect({ host, port, ALPNProtocols: ["h2"], rejectUnauthorized: false });
  socket.once("secureConnect", () => resolve(true));
  // An alert is an answer, too.
  socket.once("error", ({ code = "" }: NodeJS.ErrnoException) =>
    resolve(code.startsWith("ERR_SSL_") && code.includes("ALERT")),
  );
  socket.once("close", () => resolve(false));
  socket.setTimeout(answerMs, () => resolve(false));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}
