import { constants } from "node:crypto";
import type { Http2SecureServer, SecureServerOptions } from "node:http2";
import type { SecureContextOptions, TLSSocket, TlsOptions } from "node:tls";
import type { Logger } from "@servehttp/contract";
import { type CertificateOptions, Certificates, type CertificateSet } from "./certificates.js";
import { peerCertificate } from "./peer-certificate.js";
import { alertOf } from "./tls-failure.js";
import { hasSubjectAltName, namesOf } from "./subject-alt-names.js";

/** TLS of a plugin that listens. */
export interface PluginTlsOptions extends TlsOptions, CertificateOptions {
  /** Names of which the host's certificate must have one. Default: those of any host will do. */
  readonly subjectAltNames?: readonly string[] | undefined;
}

/** A log is told of hosts that are refused once in so many milliseconds. */
const tellMs = 1_000;

/**
 * The certificates of a plugin's server, which are looked at for each new connection, and whom it
 * lets in by theirs.
 */
export class PluginTls {
  readonly #options: PluginTlsOptions;
  readonly #certificates: Certificates;
  readonly #logger: Logger | undefined;
  readonly #wantsCertificate: boolean;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(options: PluginTlsOptions, logger?: Logger) {
    this.#options = options;
    this.#certificates = new Certificates(options, logger);
    this.#logger = logger;
    const { requestCert = options.caFile !== undefined, rejectUnauthorized = true } = options;
    this.#wantsCertificate = requestCert && rejectUnauthorized;
  }

  /** @throws Error in one line, where the certificates can't be used */
  serverOptions(): SecureServerOptions {
    // Node closes a connection without a word where it does not like the host's certificate. So it
    // is let in as far as `refusalOf`.
    return {
      ...this.#contextOptions(this.#certificates.current()),
      ...(this.#wantsCertificate && { requestCert: true, rejectUnauthorized: false }),
    };
  }

  /** Hosts resume no sessions; whoever did would show no certificate anew. */
  #contextOptions({ options }: CertificateSet): SecureContextOptions {
    return this.#wantsCertificate
      ? { ...options, secureOptions: (options.secureOptions ?? 0) | constants.SSL_OP_NO_TICKET }
      : options;
  }

  /** Has the server use the certificates as they are when a connection comes. */
  keepIn(server: Http2SecureServer): Http2SecureServer {
    let used = this.#certificates.current();
    server.prependListener("connection", () => {
      const now = this.#certificates.current();
      if (now !== used) {
        used = now;
        server.setSecureContext(this.#contextOptions(now));
      }
    });
    server.on("tlsClientError", ({ code = "", message }: NodeJS.ErrnoException, socket) => {
      // Who connects and goes, as probes do, wants no TLS.
      if (code.startsWith("ERR_SSL_")) {
        this.#tell(socket, handshakeFault(code, message));
      }
    });
    return server;
  }

  /** Why the host on this connection is not let in; undefined where it is. */
  refusalOf(socket: TLSSocket): string | undefined {
    const why = this.#wantsCertificate ? this.#refusalOf(socket) : undefined;
    if (why !== undefined) {
      this.#tell(socket, `a host's certificate was refused: ${why}`);
    }
    return why;
  }

  #refusalOf(socket: TLSSocket): string | undefined {
    const certificate = peerCertificate(socket);
    if (certificate === undefined) {
      return "this plugin wants one, and the host has shown none: give the host tls.certFile and tls.keyFile";
    }
    const names = namesOf(certificate);
    if (!socket.authorized) {
      const why = untrusted(String(socket.authorizationError), certificate.validTo);
      const issuer = certificate.issuer.replaceAll("\n", ", ");
      return `it is for ${names}, signed by ${issuer}, and ${why}`;
    }
    const { subjectAltNames } = this.#options;
    return subjectAltNames === undefined || hasSubjectAltName(certificate, subjectAltNames)
      ? undefined
      : `it is for ${names}, which is none of the names that this plugin allows (subjectAltNames)`;
  }

  #tell({ remoteAddress }: TLSSocket, message: string): void {
    const nowMs = performance.now();
    if (nowMs - this.#toldMs >= tellMs) {
      this.#toldMs = nowMs;
      this.#logger?.warn({ remoteAddress }, message);
    }
  }
}

function handshakeFault(code: string, message: string): string {
  const alert = alertOf(code);
  if (alert !== undefined) {
    return `a host refused this plugin's certificate, or its TLS (tls alert ${alert}); its log says why`;
  }
  return code === "ERR_SSL_HTTP_REQUEST" || code === "ERR_SSL_WRONG_VERSION_NUMBER"
    ? "somebody connected without TLS: hosts need https:// in the url"
    : `a handshake failed: ${message}`;
}

function untrusted(code: string, validTo: string): string {
  switch (code) {
    case "CERT_HAS_EXPIRED":
      return `it, or its authority's, ran out (it runs until ${validTo})`;
    case "CERT_NOT_YET_VALID":
      return "it is not valid yet: look at the clocks of both ends";
    case "INVALID_PURPOSE":
      return "it is not for clients: its extended key usage needs clientAuth";
    default:
      return `this plugin does not trust who has signed it (${code}): give that authority's certificate to the plugin as caFile or SERVEHTTP_TLS_CA_FILE`;
  }
}
