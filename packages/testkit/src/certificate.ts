import { execFileSync } from "node:child_process";

/** A certificate and its private key, both PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/**
 * Makes a certificate for localhost and 127.0.0.1, signed with its own key, that expires in two
 * days. It runs the openssl command.
 */
export function certificate(): Certificate {
  const pem = execFileSync(
    "openssl",
    [
      ..."req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2".split(" "),
      ..."-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1,DNS:localhost".split(" "),
      ..."-keyout - -out -".split(" "),
    ],
    { encoding: "latin1", stdio: ["ignore", "pipe", "pipe"] },
  );
  const at = pem.indexOf("-----BEGIN CERTIFICATE-----");
  return { key: pem.slice(0, at), cert: pem.slice(at) };
}
