import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A key and its certificate, as PEM. */
export interface KeyPair {
  readonly key: string;
  readonly cert: string;
}

/** What two ends need to know each other, made by the openssl command once in each process. */
export interface TestCertificates {
  /** Signed `plugin`, for 127.0.0.1 and localhost, and `host`. */
  readonly ca: string;
  readonly plugin: KeyPair;
  readonly host: KeyPair;
  /** Signed by itself. */
  readonly stranger: KeyPair;
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
    const selfSigned = (name: string): KeyPair => {
      const files = ["-keyout", `${name}.key`, "-out", `${name}.pem`];
      openssl("req", "-x509", ...newKey, ...files, "-days", "2", "-subj", `/CN=${name}`);
      return { key: read(`${name}.key`), cert: read(`${name}.pem`) };
    };
    const signed = (name: string): KeyPair => {
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
