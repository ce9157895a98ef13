import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Certificate } from "./certificate.js";

/** What two ends need for mutual TLS. The openssl command makes it, once in each process. */
export interface TestCertificates {
  /** The certificate of the authority that signed `plugin` and `host`. */
  readonly ca: string;
  /** For 127.0.0.1 and localhost. */
  readonly plugin: Certificate;
  readonly host: Certificate;
  /** Signed with its own key: no authority knows it. */
  readonly stranger: Certificate;
}

let made: TestCertificates | undefined;

export function testCertificates(): TestCertificates {
  return (made ??= make());
}

function make(): TestCertificates {
  const directory = mkdtempSync(join(tmpdir(), "servehttp-tls-"));
  try {
    const openssl = (...given: string[]) =>
      execFileSync("openssl", given, { cwd: directory, stdio: ["ignore", "ignore", "pipe"] });
    const read = (name: string) => readFileSync(join(directory, name), "utf8");
    const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const selfSigned = (name: string): Certificate => {
      const files = ["-keyout", `${name}.key`, "-out", `${name}.pem`];
      openssl("req", "-x509", ...newKey, ...files, "-days", "2", "-subj", `/CN=${name}`);
      return { key: read(`${name}.key`), cert: read(`${name}.pem`) };
    };
    const signed = (name: string): Certificate => {
      openssl(
        "req",
        ...newKey,
        "-keyout",
        `${name}.key`,
        "-out",
        `${name}.csr`,
        "-subj",
        `/CN=${name}`,
      );
      const by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"];
      openssl("x509", "-req", "-in", `${name}.csr`, ...by, "-out", `${name}.pem`, "-days", "2");
      return { key: read(`${name}.key`), cert: read(`${name}.pem`) };
    };
    writeFileSync(join(directory, "names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
    const { cert: ca } = selfSigned("ca");
    return { ca, plugin: signed("plugin"), host: signed("host"), stranger: selfSigned("stranger") };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
