import type { TlsOptions } from "node:tls";
import { isSubjectAltName, subjectAltNameForms } from "@servehttp/carrier";
import { ServeHTTPError } from "@servehttp/contract";

/**
 * TLS of a plugin that a host reaches over a network: the options of `createServer` of `node:tls`,
 * and files in place of some. The names are those of the option `tls` of a host's plugin.
 *
 * Files are looked at for each new connection, so that a certificate that was replaced counts from
 * then on. A file that is broken or half written changes nothing, which the log says.
 */
export interface PluginTlsOptions extends TlsOptions {
  /**
   * The file of `cert`, in PEM, with the certificates between the plugin's and the authority's
   * behind the plugin's. Default: none.
   */
  certFile?: string;
  /** The file of `key`, in PEM. Default: none. */
  keyFile?: string;
  /**
   * The file of `ca`, in PEM: who may have signed a host's certificate. Where it is given, a host
   * must show one (mTLS), unless `requestCert` or `rejectUnauthorized` is false. Default: none.
   */
  caFile?: string;
  /**
   * Names of which a host's certificate must have one: DNS names, and SPIFFE IDs such as
   * `"spiffe://example.org/ns/hosts/sa/host"`, `"spiffe://example.org/ns/*"` for all below, and
   * `"spiffe://example.org"` for a whole trust domain. Default: whatever the authority has signed
   * will do.
   */
  subjectAltNames?: readonly string[];
}

/** What the environment says of TLS. */
export interface TlsVariables {
  /** The file of the plugin's certificate. */
  readonly SERVEHTTP_TLS_CERT_FILE?: string | undefined;
  /** The file of its key. */
  readonly SERVEHTTP_TLS_KEY_FILE?: string | undefined;
  /** The file of who may have signed a host's certificate. */
  readonly SERVEHTTP_TLS_CA_FILE?: string | undefined;
  /** Names of which a host's certificate must have one, with commas between them. */
  readonly SERVEHTTP_TLS_SUBJECT_ALT_NAMES?: string | undefined;
}

/**
 * The options that the variables stand for; undefined where none is set.
 *
 * @throws ServeHTTPError `invalid-argument` for one that is empty: by mistake it would let everybody
 *   in
 */
export function tlsOfEnvironment(variables: TlsVariables): PluginTlsOptions | undefined {
  const {
    SERVEHTTP_TLS_CERT_FILE: certFile,
    SERVEHTTP_TLS_KEY_FILE: keyFile,
    SERVEHTTP_TLS_CA_FILE: caFile,
    SERVEHTTP_TLS_SUBJECT_ALT_NAMES: names,
  } = variables;
  const given = Object.entries(variables).filter(([name]) => name.startsWith("SERVEHTTP_TLS_"));
  for (const [name, value] of given) {
    if (value?.trim() === "") {
      throw invalid(`${name} is empty: give it a value, or leave it out`);
    }
  }
  if (given.every(([, value]) => value === undefined)) {
    return undefined;
  }
  if (certFile === undefined || keyFile === undefined) {
    throw invalid("TLS needs SERVEHTTP_TLS_CERT_FILE and SERVEHTTP_TLS_KEY_FILE");
  }
  return {
    certFile,
    keyFile,
    ...(caFile !== undefined && { caFile }),
    ...(names !== undefined && { subjectAltNames: names.split(",").map((name) => name.trim()) }),
  };
}

/** @throws ServeHTTPError `invalid-argument` for options that could serve nobody, or anybody */
export function checkTls(tls: PluginTlsOptions): void {
  const { cert, certFile, key, keyFile, pfx, SNICallback } = tls;
  for (const [name, file] of [
    ["cert", "certFile"],
    ["key", "keyFile"],
    ["ca", "caFile"],
  ] as const) {
    if (tls[name] !== undefined && tls[file] !== undefined) {
      throw invalid(`the option tls has ${name} and ${file}: give one of them`);
    }
  }
  const hasIdentity = (key ?? keyFile) !== undefined && (cert ?? certFile) !== undefined;
  if (!hasIdentity && pfx === undefined && SNICallback === undefined) {
    throw invalid(
      "the option tls needs key and cert, or pfx; the first two may be files: keyFile and certFile",
    );
  }
  checkNames(tls);
}

function checkNames({
  ca,
  caFile,
  requestCert = caFile !== undefined,
  rejectUnauthorized = true,
  subjectAltNames: names,
}: PluginTlsOptions): void {
  if (names === undefined) {
    return;
  }
  const wrong = names.find((name) => !isSubjectAltName(name));
  if (wrong !== undefined || names.length === 0) {
    const got = wrong === undefined ? "none" : JSON.stringify(wrong);
    throw invalid(
      `the option tls.subjectAltNames has ${got} (SERVEHTTP_TLS_SUBJECT_ALT_NAMES): allowed are ${subjectAltNameForms}`,
    );
  }
  if ((ca === undefined && caFile === undefined) || !requestCert || !rejectUnauthorized) {
    throw invalid(
      "the option tls.subjectAltNames needs an authority that hosts must be certified by: caFile (SERVEHTTP_TLS_CA_FILE), or ca and requestCert",
    );
  }
}

function invalid(message: string): ServeHTTPError {
  return new ServeHTTPError("invalid-argument", message);
}
