import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { checkServerIdentity, connect, type PeerCertificate, type TLSSocket } from "node:tls";
import type { Logger } from "@servehttp/contract";
import { type CertificateOptions, Certificates } from "./certificates.js";
import { hasSubjectAltName } from "./subject-alt-names.js";
import { peerCertificate } from "./peer-certificate.js";
import { nameFailure, tlsFailure, type TlsFacts } from "./tls-failure.js";

/** TLS from a host to a plugin. */
export interface HostTlsOptions extends CertificateOptions {
  /** The name that the plugin's certificate must have. Default: the host that is dialled. */
  readonly servername?: string | undefined;
  /** Names of which the plugin's certificate must have one, in place of `servername`. */
  readonly subjectAltNames?: readonly string[] | undefined;
}

/** Opens TLS connections to a plugin, each with the certificates as they are then. */
export class HostTls {
  readonly #options: HostTlsOptions;
  readonly #certificates: Certificates;

  /** @param certificates those of another one, which reads them. Default: its own */
  constructor(
    options: HostTlsOptions,
    logger?: Logger,
    certificates = new Certificates(options, logger),
  ) {
    this.#options = options;
    this.#certificates = certificates;
  }

  /** The same with another name for the plugin's certificate, unless the options say which. */
  withServername(servername: string | undefined): HostTls {
    return servername === undefined
      ? this
      : new HostTls({ servername, ...this.#options }, undefined, this.#certificates);
  }

  /**
   * Begins a connection. The message of its error says what was wrong and what to do; the rest of
   * what is known of the connection, `factsOf` tells.
   *
   * @throws Error where the certificates can't be used
   */
  connect(host: string, port: number): TLSSocket {
    const { subjectAltNames } = this.#options;
    const { context, own } = this.#certificates.current();
    // No server name is an address (RFC 6066, section 3); the certificate is checked against it all
    // the same.
    const servername = this.#options.servername ?? (isIP(host) === 0 ? host : undefined);
    const socket: TLSSocket = connect({
      host,
      port,
      secureContext: context,
      ALPNProtocols: ["h2"],
      ...(servername !== undefined && { servername }),
      // Who destroyed the socket in a listener of `secureConnect`, in front of that of `node:http2`,
      // would abort the process: an assertion fails in Node 24.
      checkServerIdentity: (name, certificate) =>
        socket.alpnProtocol === "h2"
          ? nameFault(name, certificate, subjectAltNames)
          : new Error(noHttp2),
    });
    let peer: X509Certificate | undefined;
    // Before Node looks at the certificate, and drops it with a connection that it refuses.
    socket.prependOnceListener("secure", () => {
      peer = peerCertificate(socket);
    });
    const factsNow = () => ({ own, peer, host: servername ?? host });
    facts.set(socket, factsNow);
    socket.prependOnceListener("error", (error: NodeJS.ErrnoException) => {
      error.message = tlsFailure(error, factsNow()) ?? error.message;
    });
    return socket;
  }
}

/** gRPC's own stacks refuse such servers as well (RFC 9113, section 3.2). */
const noHttp2 =
  "it agrees on no HTTP/2 by ALPN (h2), so it is no gRPC server, or a proxy that passes on only HTTP/1.1";

function nameFault(
  servername: string,
  shown: PeerCertificate,
  subjectAltNames: readonly string[] | undefined,
): Error | undefined {
  if (subjectAltNames === undefined) {
    return checkServerIdentity(servername, shown);
  }
  const certificate = new X509Certificate(shown.raw);
  return hasSubjectAltName(certificate, subjectAltNames)
    ? undefined
    : nameFailure(certificate, subjectAltNames);
}

const facts = new WeakMap<object, () => TlsFacts>();

/** What is known of a connection that a `HostTls` has opened; undefined of others. */
export function factsOf(socket: object): TlsFacts | undefined {
  return facts.get(socket)?.();
}
