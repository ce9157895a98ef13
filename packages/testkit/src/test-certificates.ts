import type { Certificate } from "./certificate.js";
import { selfSigned, TestAuthority } from "./test-authority.js";

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
  const authority = new TestAuthority();
  const signed = (name: string) => authority.issue(name, "IP:127.0.0.1,DNS:localhost");
  return {
    ca: authority.ca,
    plugin: signed("plugin"),
    host: signed("host"),
    stranger: selfSigned("stranger"),
  };
}
