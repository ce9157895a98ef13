import { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";

/**
 * The certificate that the peer has shown. `getPeerX509Certificate` takes it out of the connection:
 * Node 24 finds none any more when it then checks its name.
 */
export function peerCertificate(socket: TLSSocket): X509Certificate | undefined {
  // Types say nothing of a peer without one, which gives an empty object.
  const { raw } = socket.getPeerCertificate() as { readonly raw?: Buffer };
  return raw === undefined ? undefined : new X509Certificate(raw);
}
