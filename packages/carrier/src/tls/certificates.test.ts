import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  type Certificate,
  selfSigned,
  TemporaryDirectory,
  TestAuthority,
} from "@servehttp/testkit";
import { Certificates } from "./certificates.js";

const authority = new TestAuthority();
const [first, second] = [1, 2].map((n) => authority.issue("x", `DNS:name${n}`)) as [
  Certificate,
  Certificate,
];

/** A secret that Kubernetes has mounted: the names are links through `..data`, which is exchanged. */
class MountedSecret {
  readonly files: { readonly certFile: string; readonly keyFile: string; readonly caFile: string };
  readonly #at: (name: string) => string;
  #version = 0;

  constructor(directory: TemporaryDirectory) {
    this.#at = (name) => directory.at(name);
    const [certFile, keyFile, caFile] = ["tls.crt", "tls.key", "ca.crt"].map((name) => {
      symlinkSync(`..data/${name}`, this.#at(name));
      return this.#at(name);
    }) as [string, string, string];
    this.files = { certFile, keyFile, caFile };
  }

  put({ cert, key }: Certificate, ca = authority.ca): void {
    const old = this.#at(`..${this.#version}`);
    this.#version += 1;
    const name = `..${this.#version}`;
    mkdirSync(this.#at(name));
    writeFileSync(this.#at(`${name}/tls.crt`), cert);
    writeFileSync(this.#at(`${name}/tls.key`), key);
    writeFileSync(this.#at(`${name}/ca.crt`), ca);
    symlinkSync(name, this.#at("..data_tmp"));
    renameSync(this.#at("..data_tmp"), this.#at("..data"));
    rmSync(old, { recursive: true, force: true });
  }
}

function logged(): {
  readonly lines: string[];
  readonly logger: ConstructorParameters<typeof Certificates>[1];
} {
  const lines: string[] = [];
  const add = (level: string) => (_details: unknown, message: string) =>
    void lines.push(`${level}: ${message}`);
  return { lines, logger: { info: add("info"), warn: add("warn"), error: add("error") } };
}

const nameIn = (certificates: Certificates) => certificates.current().own?.subjectAltName;

test("takes a secret that was exchanged as a whole, and reads it once", async () => {
  await using directory = await TemporaryDirectory.make();
  const secret = new MountedSecret(directory);
  secret.put(first);
  const { lines, logger } = logged();
  const certificates = new Certificates(secret.files, logger);
  const before = certificates.current();
  expect(certificates.current()).toBe(before);
  secret.put(second);
  expect(nameIn(certificates)).toBe("DNS:name2");
  expect(lines).toEqual(["info: new connections use the new certificate"]);
  secret.put(second, new TestAuthority("another").ca);
  const withAnotherCa = certificates.current();
  expect(withAnotherCa.options.ca).not.toBe(before.options.ca);
});

test("keeps what is good while files are written, and tells it once", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = {
    certFile: directory.at("cert.pem"),
    keyFile: directory.at("key.pem"),
    caFile: directory.at("ca.pem"),
  };
  const write = ({ cert, key }: Certificate) => {
    writeFileSync(files.certFile, cert);
    writeFileSync(files.keyFile, key);
    writeFileSync(files.caFile, authority.ca);
  };
  write(first);
  const { lines, logger } = logged();
  const certificates = new Certificates(files, logger);
  expect(nameIn(certificates)).toBe("DNS:name1");
  const broken: [() => void, string][] = [
    [() => writeFileSync(files.certFile, second.cert), "the key is not the certificate's"],
    [() => writeFileSync(files.certFile, ""), `certFile ${files.certFile}: no certificate in PEM`],
    [
      () => writeFileSync(files.certFile, first.cert + second.cert.slice(0, 200)),
      `certFile ${files.certFile}: it ends, or is broken, within a certificate`,
    ],
    [
      () => writeFileSync(files.caFile, authority.ca.replace(/\n[^-]{30}/, "\n")),
      `caFile ${files.caFile}: it ends, or is broken, within a certificate`,
    ],
    [
      () => writeFileSync(files.keyFile, first.key.slice(0, 60)),
      `keyFile ${files.keyFile}: it ends within the key`,
    ],
    [() => writeFileSync(files.keyFile, ""), `keyFile ${files.keyFile}: no key in PEM`],
    [
      () => writeFileSync(files.keyFile, first.key.replace(/\n[^-]{20}/, "\n")),
      "no certificate and key in PEM",
    ],
    [() => rmSync(files.keyFile), `keyFile ${files.keyFile}: no such file`],
  ];
  for (const [breakIt, why] of broken) {
    write(first);
    certificates.current();
    breakIt();
    lines.length = 0;
    expect([nameIn(certificates), nameIn(certificates)]).toEqual(["DNS:name1", "DNS:name1"]);
    expect(lines).toEqual([expect.stringContaining(why)]);
    expect(lines[0]).toMatch(/^warn: .*; the certificates from before stay in use$/);
  }
  write(second);
  expect(nameIn(certificates)).toBe("DNS:name2");
});

test("has nothing to use before a first good one, and says why", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = { certFile: directory.at("cert.pem"), keyFile: directory.at("key.pem") };
  const certificates = new Certificates(files);
  expect(() => certificates.current()).toThrow(`certFile ${files.certFile}: no such file`);
  writeFileSync(files.certFile, first.cert);
  writeFileSync(files.keyFile, selfSigned("other").key);
  expect(() => certificates.current()).toThrow(
    `certFile ${files.certFile}, keyFile ${files.keyFile}: the key is not the certificate's`,
  );
  writeFileSync(files.keyFile, first.key);
  expect(nameIn(certificates)).toBe("DNS:name1");
});

test("warns of a certificate that ran out", () => {
  const { lines, logger } = logged();
  new Certificates(authority.issue("x", "DNS:old", -1), logger).current();
  expect(lines).toEqual([
    expect.stringMatching(/^warn: the certificate: it ran out on .* GMT, and peers refuse it$/),
  ]);
});
