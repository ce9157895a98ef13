import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";

/** The longest SPIFFE ID, in bytes (SPIFFE-ID, section 2.3). */
const spiffeIdBytesMax = 2_048;

const trustDomain = String.raw`spiffe://[a-z0-9._-]{1,255}`;
const segments = String.raw`(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]+)`;
const spiffeId = new RegExp(`^${trustDomain}${segments}+$`);
const spiffePattern = new RegExp(String.raw`^${trustDomain}${segments}*(?:/\*)?$`);
const dnsName = /^(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*$/;

/** What may stand in a list of subject alternative names, for messages. */
export const subjectAltNameForms =
  'DNS names and SPIFFE IDs: "host.example.org", "spiffe://example.org/ns/hosts/sa/host", "spiffe://example.org/ns/hosts/*", or "spiffe://example.org" for its whole trust domain';

/**
 * Whether the text may stand in a list of names of which a certificate must have one: a DNS name; a
 * SPIFFE ID; a SPIFFE ID that ends in `/*`, for all below it; a trust domain, for all that is in it.
 */
export function isSubjectAltName(text: string): boolean {
  return text.startsWith("spiffe:")
    ? text.length <= spiffeIdBytesMax && spiffePattern.test(text)
    : dnsName.test(text) && isIP(text) === 0;
}

/**
 * Whether a certificate has one of the names. A SPIFFE ID counts only where the certificate is an
 * X.509-SVID's leaf: it has one URI and no other, with a path, and signs no others (X509-SVID,
 * section 5.2). A DNS name is one of its DNS names, where `*` may stand for the first label; the
 * subject's common name does not count (RFC 9525).
 */
export function hasSubjectAltName(certificate: X509Certificate, names: readonly string[]): boolean {
  const id = certificate.ca ? undefined : spiffeIdOf(certificate);
  return names.some((name) =>
    name.startsWith("spiffe:")
      ? id !== undefined && isMember(id, name)
      : certificate.checkHost(name, { subject: "never", partialWildcards: false }) !== undefined,
  );
}

/** The names of a certificate, for messages: `DNS:localhost, IP Address:127.0.0.1`. */
export function namesOf({ subject, subjectAltName }: X509Certificate): string {
  return subjectAltName ?? `no name but its subject (${(subject ?? "").replaceAll("\n", ", ")})`;
}

function spiffeIdOf({ subjectAltName }: X509Certificate): string | undefined {
  const [uri, ...others] = urisIn(subjectAltName ?? "");
  return uri !== undefined &&
    others.length === 0 &&
    uri.length <= spiffeIdBytesMax &&
    spiffeId.test(uri)
    ? uri
    : undefined;
}

function isMember(id: string, pattern: string): boolean {
  if (pattern.endsWith("/*")) {
    return id.startsWith(pattern.slice(0, -1));
  }
  const isTrustDomain = pattern.indexOf("/", "spiffe://".length) === -1;
  return isTrustDomain ? id.startsWith(`${pattern}/`) : id === pattern;
}

/**
 * The URIs in the names of a certificate as Node writes them: `DNS:a, URI:b`, and a value that could
 * be taken for more than one as a string of JSON. None where the text is something else.
 */
export function urisIn(subjectAltName: string): readonly string[] {
  const entry = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;
  const uris: string[] = [];
  while (entry.lastIndex < subjectAltName.length) {
    const [, kind, value = ""] = entry.exec(subjectAltName) ?? [];
    if (kind === undefined) {
      return [];
    }
    if (kind === "URI") {
      uris.push(value.startsWith('"') ? (JSON.parse(value) as string) : value);
    }
  }
  return uris;
}
