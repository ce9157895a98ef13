/** Whether a socket is one of TLS. Bun's plain sockets have an `encrypted`, too, which is false. */
export function isEncrypted(socket: object): boolean {
  return "encrypted" in socket && socket.encrypted === true;
}
