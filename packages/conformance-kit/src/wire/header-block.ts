/** Header fields as a block that every decoder reads: literals that enter no table (RFC 7541, 6.2.2). */
export function encodeFields(fields: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(fields).flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]),
  );
}

/**
 * The gRPC status in a block of header fields; undefined where there is none.
 *
 * The kit announces a table of no bytes, so every block has the name as a literal, plain or in
 * Huffman's code, and nothing else has to be decoded.
 */
export function grpcStatusIn(block: Buffer): number | undefined {
  for (const name of statusNames) {
    const at = block.indexOf(name);
    if (at >= 0) {
      const value = block.subarray(at + name.length);
      const length = (value[0] ?? 0) & 0x7f;
      const bytes = value.subarray(1, 1 + length);
      const isHuffman = ((value[0] ?? 0) & 0x80) !== 0;
      const digits = isHuffman ? digitsOf(bytes) : bytes.toString("latin1");
      return /^\d+$/.test(digits) ? Number(digits) : undefined;
    }
  }
  return undefined;
}

/** The codes of RFC 7541, appendix B, that the field grpc-status and its value need. */
const codes: Readonly<Record<string, string>> = {
  "0": "00000", "1": "00001", "2": "00010", a: "00011", c: "00100", s: "01000", t: "01001",
  "-": "010110", "3": "011001", "4": "011010", "5": "011011", "6": "011100", "7": "011101",
  "8": "011110", "9": "011111", g: "100110", p: "101011", r: "101100", u: "101101",
}; // prettier-ignore

const statusNames = [text("grpc-status"), huffman("grpc-status")];

function huffman(plain: string): Buffer {
  const bits = Array.from(plain, (letter) => codes[letter] ?? "").join("");
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, "1");
  const bytes = Buffer.from(padded.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
  return Buffer.concat([Buffer.of(0x80 | bytes.length), bytes]);
}

function digitsOf(bytes: Buffer): string {
  let bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  let digits = "";
  for (;;) {
    const found = Object.entries(codes).find(
      ([letter, code]) => /\d/.test(letter) && bits.startsWith(code),
    );
    if (found === undefined) {
      return digits;
    }
    digits += found[0];
    bits = bits.slice(found[1].length);
  }
}

/** A string literal (RFC 7541, 5.2). */
function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  if (bytes.length < 127) {
    return Buffer.concat([Buffer.of(bytes.length), bytes]);
  }
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) {
    length.push((rest % 128) + 128);
  }
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}
