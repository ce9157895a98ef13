import { X509Certificate } from "node:crypto";
import { type BigIntStats, readFileSync, statSync } from "node:fs";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import type { Logger } from "@servehttp/contract";
import { namesOf } from "./subject-alt-names.js";

/** Whose certificate an end shows and whom it trusts: in PEM, or the files in which that is. */
export interface CertificateOptions extends SecureContextOptions {
  /** The file of `cert`, with the certificates between it and the authority's behind it. */
  readonly certFile?: string | undefined;
  /** The file of `key`. */
  readonly keyFile?: string | undefined;
  /** The file of `ca`. */
  readonly caFile?: string | undefined;
}

/** What was read, whole and fit for use. */
export interface CertificateSet {
  /** Without files: those have been read. */
  readonly options: SecureContextOptions;
  readonly context: SecureContext;
  /** The certificate that this end shows, where it has one. */
  readonly own: X509Certificate | undefined;
}

const fileOptions = { cert: "certFile", key: "keyFile", ca: "caFile" } as const;

/**
 * The certificates of an end. Files are looked at for each new connection, and read again where they
 * have changed, whatever way they were: written, renamed, or behind another symbolic link, as
 * Kubernetes does it. What can't be used changes nothing, and is told once.
 */
export class Certificates {
  readonly #options: CertificateOptions;
  readonly #logger: Logger | undefined;
  #last: { readonly set: CertificateSet; readonly stamp: string } | undefined;
  #told: string | undefined;

  constructor(options: CertificateOptions, logger?: Logger) {
    this.#options = options;
    this.#logger = logger;
  }

  /**
   * What is to be used now.
   *
   * @throws Error in one line, where nothing could be used so far
   */
  current(): CertificateSet {
    const last = this.#last;
    try {
      const stamp = this.#stamp();
      if (last?.stamp === stamp) {
        return last.set;
      }
      const set = this.#read();
      this.#last = { set, stamp };
      this.#told = undefined;
      this.#tell(set, last !== undefined);
      return set;
    } catch (thrown) {
      const { message } = thrown as Error;
      if (last === undefined) {
        throw thrown;
      }
      if (this.#told !== message) {
        this.#told = message;
        this.#logger?.warn({}, `${message}; the certificates from before stay in use`);
      }
      return last.set;
    }
  }

  #tell({ own }: CertificateSet, isChanged: boolean): void {
    if (own === undefined) {
      return;
    }
    const details = { names: namesOf(own), validTo: own.validTo };
    if (Date.parse(own.validTo) < Date.now()) {
      const where = this.#options.certFile ?? "the certificate";
      this.#logger?.warn(details, `${where}: it ran out on ${own.validTo}, and peers refuse it`);
    } else if (isChanged) {
      this.#logger?.info?.(details, "new connections use the new certificate");
    }
  }

  /** What of the files changes with each change to them. */
  #stamp(): string {
    return this.#files()
      .map(([, option, path]) =>
        stampOf(open(option, path, () => statSync(path, { bigint: true }))),
      )
      .join();
  }

  #read(): CertificateSet {
    try {
      return this.#readOnce();
    } catch {
      // The files may just be exchanged, of which only the first was the old one.
      return this.#readOnce();
    }
  }

  #readOnce(): CertificateSet {
    const { caFile: _, certFile, keyFile, ...options } = this.#options;
    for (const [name, option, path] of this.#files()) {
      const pem = open(option, path, () => readFileSync(path, "utf8"));
      if (name === "key") {
        checkKey(option, path, pem);
      } else {
        checkCertificates(option, path, pem);
      }
      options[name] = pem;
    }
    const own = certificateIn([options.cert].flat()[0]);
    try {
      return { options, context: createSecureContext(options), own };
    } catch (thrown) {
      const named = [certFile && `certFile ${certFile}`, keyFile && `keyFile ${keyFile}`];
      const what = named.filter(Boolean).join(", ") || "cert and key";
      throw new Error(`${what}: ${pemFault(thrown as Error)}`, { cause: thrown });
    }
  }

  #files(): readonly ["cert" | "key" | "ca", string, string][] {
    return (["cert", "key", "ca"] as const).flatMap((name) => {
      const option = fileOptions[name];
      const path = this.#options[option];
      return path === undefined ? [] : [[name, option, path]];
    });
  }
}

function stampOf({ ctimeNs, dev, ino, mtimeNs, size }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

function open<Value>(option: string, path: string, read: () => Value): Value {
  try {
    return read();
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    const why =
      code === "ENOENT" ? "no such file" : code === "EACCES" ? "no permission to read it" : message;
    throw new Error(`${option} ${path}: ${why}`, { cause: thrown });
  }
}

/** Node takes an empty key for none. */
function checkKey(option: string, path: string, pem: string): void {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----[^]+-----END [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    const why = pem.includes("PRIVATE KEY-----") ? "it ends within the key" : "no key in PEM";
    throw new Error(`${option} ${path}: ${why}`);
  }
}

/** OpenSSL takes what it finds, and so would use a file that was half written. */
function checkCertificates(option: string, path: string, pem: string): void {
  const begun = pem.split("-----BEGIN CERTIFICATE-----").length - 1;
  const whole = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (whole.length === 0 || whole.length !== begun || whole.some((one) => !isCertificate(one))) {
    const why =
      begun === 0 ? "no certificate in PEM" : "it ends, or is broken, within a certificate";
    throw new Error(`${option} ${path}: ${why}`);
  }
}

function isCertificate(pem: string): boolean {
  return certificateIn(pem) !== undefined;
}

function certificateIn(pem: unknown): X509Certificate | undefined {
  try {
    return typeof pem === "string" || pem instanceof Uint8Array
      ? new X509Certificate(pem)
      : undefined;
  } catch {
    return undefined;
  }
}

/** OpenSSL's words are for those who know OpenSSL. */
function pemFault({ message }: Error): string {
  if (/key values mismatch/i.test(message)) {
    return "the key is not the certificate's";
  }
  if (/bad decrypt|passphrase|password/i.test(message)) {
    return "the key is encrypted, and the passphrase is missing or wrong";
  }
  if (/no start line|PEM lib|bad base64|DECODER|unsupported/i.test(message)) {
    return `no certificate and key in PEM (${message})`;
  }
  return message;
}
