import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** A certificate and its key, PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Makes a certificate for `localhost` that nobody has signed but itself (X.509 version 3, RFC 5280), good for one day. */
export function selfSignedCertificate(): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = sequence(set(sequence(objectIdentifiers.commonName, der(0x0c, "localhost"))));
  const now = Date.now();
  const dayMs = 86_400_000;
  const certificate = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    sequence(objectIdentifiers.ecdsaWithSha256),
    name,
    sequence(time(now - dayMs), time(now + dayMs)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(
      0xa3,
      sequence(
        sequence(objectIdentifiers.subjectAltName, der(0x04, sequence(der(0x82, "localhost")))),
      ),
    ),
  );
  const signature = Buffer.concat([Buffer.from([0]), sign("sha256", certificate, privateKey)]);
  const signed = sequence(
    certificate,
    sequence(objectIdentifiers.ecdsaWithSha256),
    der(0x03, signature),
  );
  const lines = signed.toString("base64").replace(/.{64}(?=.)/g, "$&\n");
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  };
}

const objectIdentifiers = {
  commonName: der(0x06, Buffer.from("550403", "hex")),
  subjectAltName: der(0x06, Buffer.from("551d11", "hex")),
  ecdsaWithSha256: der(0x06, Buffer.from("2a8648ce3d040302", "hex")),
} as const;

function sequence(...items: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(items));
}

function set(...items: readonly Buffer[]): Buffer {
  return der(0x31, Buffer.concat(items));
}

/** UTCTime, good until 2049. */
function time(unixMs: number): Buffer {
  return der(0x17, `${new Date(unixMs).toISOString().replace(/\D/g, "").slice(2, 14)}Z`);
}

/** One element of the distinguished encoding rules: tag, length, content. */
function der(tag: number, content: string | Buffer): Buffer {
  const octets = Buffer.from(content);
  const { length } = octets;
  const head = length < 128 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), octets]);
}
