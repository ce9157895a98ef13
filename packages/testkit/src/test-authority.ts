import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Certificate } from "./certificate.js";

/** An authority that signs certificates. The openssl command makes them. */
export class TestAuthority {
  /** Its own certificate, in PEM. */
  readonly ca: string;
  readonly #key: string;

  constructor(name = "ca") {
    ({ cert: this.ca, key: this.#key } = selfSigned(name));
  }

  /**
   * Signs a certificate for these names, as OpenSSL writes them: `DNS:localhost,IP:127.0.0.1`. It
   * runs until so many days from now; -1: it ran out yesterday.
   */
  issue(name: string, subjectAltNames: string, days = 2): Certificate {
    return inDirectory(({ openssl, path, read }) => {
      writeFileSync(path("ca.pem"), this.ca);
      writeFileSync(path("ca.key"), this.#key);
      writeFileSync(path("names"), `subjectAltName=${subjectAltNames}\n`);
      openssl("req", ...newKey, "-out", "csr", "-subj", `/CN=${name}`);
      const by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"];
      openssl("x509", "-req", "-in", "csr", ...by, "-out", "cert", "-days", String(days));
      return { key: read("key"), cert: read("cert") };
    });
  }
}

/** A certificate that is signed with its own key, so that no authority knows it. */
export function selfSigned(name: string): Certificate {
  return inDirectory(({ openssl, read }) => {
    openssl("req", "-x509", ...newKey, "-out", "cert", "-days", "2", "-subj", `/CN=${name}`);
    return { key: read("key"), cert: read("cert") };
  });
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"].concat([
  "-keyout",
  "key",
]);

interface Workshop {
  readonly openssl: (...given: string[]) => void;
  readonly path: (name: string) => string;
  readonly read: (name: string) => string;
}

function inDirectory<Made>(make: (workshop: Workshop) => Made): Made {
  const directory = mkdtempSync(join(tmpdir(), "servehttp-tls-"));
  const path = (name: string) => join(directory, name);
  try {
    return make({
      openssl: (...given) =>
        void execFileSync("openssl", given, {
          cwd: directory,
          stdio: ["ignore", "ignore", "pipe"],
        }),
      path,
      read: (name) => readFileSync(path(name), "utf8"),
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
