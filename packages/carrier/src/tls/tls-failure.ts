import type { X509Certificate } from "node:crypto";
import { namesOf } from "./subject-alt-names.js";

/** What a host knows of a TLS connection to a plugin that failed. */
export interface TlsFacts {
  /** What the host shows. */
  readonly own: X509Certificate | undefined;
  /** What the plugin has shown. */
  readonly peer: X509Certificate | undefined;
  /** The name or address that was dialled. */
  readonly host: string;
}

/**
 * Says what was wrong with a TLS connection, and what to do. Undefined for errors that have nothing
 * to do with TLS. Of the alert that a peer sends only the name is known (RFC 8446, section 6.2).
 */
export function tlsFailure(
  { code = "", message }: { readonly code?: string | undefined; readonly message: string },
  { host, own, peer }: TlsFacts,
): string | undefined {
  const alert = alertOf(code);
  if (alert !== undefined) {
    return isAboutCertificate(alert, own)
      ? `it refused the host's certificate (tls alert ${alert}): ${refusalText(alert, own)}`
      : `it refused the connection (tls alert ${alert})${alertHints[alert] ?? ""}`;
  }
  if (strangerCodes.has(code)) {
    return `its certificate is signed by an authority that the host does not know (${issuerText(peer)}): give that authority's certificate as tls.caFile or tls.ca`;
  }
  switch (code) {
    case "CERT_HAS_EXPIRED":
      return `its certificate ran out${peer === undefined ? "" : ` on ${peer.validTo}`}, or that of its authority: renew it at the plugin`;
    case "CERT_NOT_YET_VALID":
      return `its certificate is not valid${peer === undefined ? " yet" : ` before ${peer.validFrom}`}: look at the clocks of both ends`;
    case "INVALID_PURPOSE":
      return `its certificate is not for servers (${nameText(peer)}): its extended key usage needs serverAuth`;
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      // Also where the host asks for certain names, which says so itself.
      return message.startsWith(namesPrefix)
        ? message
        : `its certificate is for ${nameText(peer)}, not for ${host}: give one of these names as tls.servername or tls.subjectAltNames, or issue a certificate with the right name`;
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
    case "ERR_SSL_HTTP_REQUEST":
      return `it does not speak TLS: write http:// in the url, or let the plugin serve TLS`;
    default:
      return code === "ECONNRESET" && /before secure TLS connection/i.test(message)
        ? "it closed the connection during the TLS handshake: if it does not speak TLS, write http:// in the url"
        : undefined;
  }
}

const namesPrefix = "its certificate is for ";

/** That a certificate has none of the names that were asked for. */
export function nameFailure(certificate: X509Certificate, names: readonly string[]): Error {
  const message = `${namesPrefix}${namesOf(certificate)}, and tls.subjectAltNames allows ${names.join(", ")}`;
  return Object.assign(new Error(message), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
}

/**
 * Says that a connection was closed after the handshake, before HTTP/2 began. Of servers that refuse
 * a certificate, those on asyncio and on `node:tls` close it without an alert.
 */
export function closedBehindHandshake({ own }: TlsFacts): string {
  const hint =
    own === undefined
      ? "it may want a certificate, and the host has none: give the plugin tls.certFile and tls.keyFile"
      : `it may refuse the host's certificate (${ownText(own)})`;
  return `it closed the connection right behind the TLS handshake; ${hint}, or speak no HTTP/2; its log may say more`;
}

/** Whether a TLS error means that the other end did not accept this end's certificate. */
export function isCertificateRefusal(
  { code = "" }: { readonly code?: string | undefined },
  { own }: Pick<TlsFacts, "own">,
): boolean {
  const alert = alertOf(code);
  return alert !== undefined && isAboutCertificate(alert, own);
}

function isAboutCertificate(alert: string, own: X509Certificate | undefined): boolean {
  // TLS 1.2 has no other alert for a certificate that is missing.
  return certificateAlerts.has(alert) || (alert === "handshake failure" && own === undefined);
}

/** The name of an alert in a code of Node's: `ERR_SSL_TLSV1_ALERT_UNKNOWN_CA`. */
export function alertOf(code: string): string | undefined {
  const [, name] = /^ERR_SSL_.*ALERT_([A-Z_]+)$/.exec(code) ?? [];
  return name?.toLowerCase().replaceAll("_", " ");
}

const certificateAlerts = new Set([
  "access denied",
  "bad certificate",
  "certificate expired",
  "certificate required",
  "certificate revoked",
  "certificate unknown",
  "decrypt error",
  "no certificate",
  "unknown ca",
  "unsupported certificate",
]);

const alertHints: Readonly<Record<string, string>> = {
  "no application protocol":
    ": it does not offer HTTP/2 (h2 by ALPN), so it is no gRPC server, or a proxy that passes on only HTTP/1.1",
  "protocol version": ": both ends have no version of TLS in common",
  "handshake failure": ": both ends have no cipher or signature algorithm in common",
  "unrecognized name":
    ": it has no certificate for the name that the host asks for (tls.servername)",
};

function refusalText(alert: string, own: X509Certificate | undefined): string {
  if (own === undefined) {
    return "the host has none: give the plugin tls.certFile and tls.keyFile";
  }
  const shown = ownText(own);
  switch (alert) {
    case "certificate required":
      return `the host did not show it, because the plugin asks for another authority's than ${own.issuer.replaceAll("\n", ", ")}`;
    case "unknown ca":
      return `it does not trust who has signed it (${issuerText(own)}): give that authority's certificate to the plugin (caFile, SERVEHTTP_TLS_CA_FILE), or the host a certificate of an authority that it trusts`;
    case "certificate expired":
      return `it runs until ${own.validTo}: renew it at the host, or look at the clocks`;
    default:
      return `the host has shown ${shown}; the plugin's log says what it wants`;
  }
}

function ownText(own: X509Certificate): string {
  return `for ${namesOf(own)}, signed by ${issuerText(own)}, valid until ${own.validTo}`;
}

function nameText(certificate: X509Certificate | undefined): string {
  return certificate === undefined ? "other names" : namesOf(certificate);
}

function issuerText(certificate: X509Certificate | undefined): string {
  return certificate?.issuer?.replaceAll("\n", ", ") || "it names none";
}

const strangerCodes = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);
