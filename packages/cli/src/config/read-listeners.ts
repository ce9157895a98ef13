import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createSecureContext } from "node:tls";
import type { CommandContext } from "../context/command-context.js";
import { saidWrong } from "../context/command-error.js";
import { passedSockets } from "../listen/passed-sockets.js";
import { listenDefault } from "../limits.js";
import { type ListenAddress, listenForms, parseListenAddress } from "../listen/listen-address.js";
import type { Certificate, ListenerSettings } from "../listen/listener-settings.js";
import type { CertificateConfig, CommandConfig, ListenConfig } from "./config.js";
import type { HostFlags } from "./host-flags.js";

/**
 * Where to listen, and how. Addresses of the command line stand in place of the config's, as does
 * its certificate.
 *
 * @param directory of the config
 * @param context whose working directory is for paths of the command line
 * @throws CommandError for an address that is none, and for certificates that can't be read
 */
export function readListeners(
  { listen, tls }: CommandConfig,
  directory: string,
  flags: HostFlags,
  { cwd, environment }: Pick<CommandContext, "cwd" | "environment">,
): readonly ListenerSettings[] {
  const certificate =
    flagCertificate(flags, cwd) ?? (tls && readCertificate(tls, directory, "tls"));
  const { proxyProtocol } = flags;
  const named = flagAddresses(flags);
  if (named.length > 0 || listen === undefined) {
    const given = named.length > 0 ? named : passedSockets(environment);
    const addresses = given.length > 0 ? given : [{ kind: "tcp", ...listenDefault } as const];
    return addresses.map((address) => ({
      address,
      tls: certificate,
      proxyProtocol,
      mode: undefined,
    }));
  }
  return [listen].flat().map((one) => {
    const {
      address,
      tls: own,
      proxyProtocol: from,
      mode,
    }: ListenConfig = typeof one === "string" ? { address: one } : one;
    return {
      address: readAddress(address, "listen", directory),
      tls:
        own === undefined
          ? certificate
          : own === false
            ? undefined
            : readCertificate(own, directory, "listen.tls"),
      proxyProtocol: proxyProtocol ?? from,
      mode: mode === undefined ? undefined : Number.parseInt(mode, 8),
    };
  });
}

function flagAddresses({ port, listen = [] }: HostFlags): readonly ListenAddress[] {
  const named = listen.map((text) => readAddress(text, "--listen"));
  return port === undefined ? named : [{ kind: "tcp", ...listenDefault, port }, ...named];
}

function readAddress(text: string, option: string, directory = "."): ListenAddress {
  const address = parseListenAddress(text, listenDefault.host);
  if (address === undefined) {
    throw saidWrong(`${option}: got ${JSON.stringify(text)}, allowed is ${listenForms}`);
  }
  return address.kind === "unix" ? { ...address, path: resolve(directory, address.path) } : address;
}

function flagCertificate(
  { tlsCert: cert, tlsKey: key }: HostFlags,
  cwd: string,
): Certificate | undefined {
  if (cert === undefined && key === undefined) {
    return undefined;
  }
  if (cert === undefined || key === undefined) {
    throw saidWrong("--tls-cert and --tls-key go together");
  }
  return readCertificate({ cert, key }, cwd, "--tls");
}

/**
 * Reads a certificate and its key.
 *
 * @param option as which it was given, for messages
 * @throws CommandError where they can't be read, or don't fit
 */
export function readCertificate(
  { cert, key, passphrase }: CertificateConfig,
  directory: string,
  option: string,
): Certificate {
  const read = (path: string, which: string): Buffer => {
    try {
      return readFileSync(resolve(directory, path));
    } catch (thrown) {
      const { code, message } = thrown as NodeJS.ErrnoException;
      const why =
        code === "ENOENT"
          ? "no such file"
          : code === "EACCES"
            ? "no permission to read it"
            : message;
      throw saidWrong(`${nameOf(option, which)} ${path}: ${why}`, thrown);
    }
  };
  const certificate = { cert: read(cert, "cert"), key: read(key, "key"), passphrase };
  try {
    createSecureContext({ ...certificate, passphrase: passphrase ?? "" });
  } catch (thrown) {
    throw saidWrong(
      `${nameOf(option, "cert")} ${cert} and key ${key}: ${certificateFault(thrown as Error)}`,
      thrown,
    );
  }
  return certificate;
}

function nameOf(option: string, which: string): string {
  return option.startsWith("--") ? `${option}-${which}` : `${option}.${which}`;
}

/** OpenSSL's words are for those who know OpenSSL. */
function certificateFault({ message }: Error): string {
  if (/no start line|PEM lib|bad base64|DECODER|unsupported/i.test(message)) {
    return `no certificate and key in PEM (${message})`;
  }
  if (/key values mismatch/i.test(message)) {
    return "the key is not the certificate's";
  }
  if (/bad decrypt|passphrase|password/i.test(message)) {
    return "the key is encrypted, and the passphrase is missing or wrong";
  }
  return message;
}
