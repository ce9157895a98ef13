/*
 * The Huffman code of HPACK (RFC 7541, appendix B). It is canonical: codes of one length are
 * consecutive, in the order of their symbols, so that the lengths are all there is to know of it.
 */

/** The length of each byte's code in bits, 0 to 255, then that of EOS. */
// prettier-ignore
const codeLengths = [
  13,23,28,28,28,28,28,28,28,24,30,28,28,30,28,28,28,28,28,28,28,28,30,28,28,28,28,28,28,28,28,28,
  6,10,10,12,13,6,8,11,10,10,8,11,8,6,6,6,5,5,5,6,6,6,6,6,6,6,7,8,15,6,12,10,
  13,6,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,8,7,8,13,19,13,14,6,
  15,5,6,5,6,5,6,6,6,5,7,7,6,6,6,5,6,7,6,5,5,6,7,7,7,7,7,15,11,14,13,28,
  20,22,20,20,22,22,22,23,22,23,23,23,23,23,24,23,24,24,22,23,24,23,23,23,23,21,22,23,22,23,23,24,
  22,21,20,22,22,23,23,21,23,22,22,24,21,22,23,23,21,21,22,21,23,22,23,23,20,22,22,22,23,22,22,23,
  26,26,20,19,22,23,22,25,26,26,26,27,27,26,24,25,19,21,26,27,27,26,27,24,21,21,26,26,28,27,27,27,
  20,24,20,21,22,21,21,23,22,22,25,25,24,24,26,23,26,27,26,26,27,27,27,27,27,28,27,27,27,27,27,26,
  30,
];

const endOfString = 256;
const codeBitsMax = 30;

/**
 * Of each length: the first code, how many there are, and where the symbols of them begin in
 * `symbols`.
 */
const firstCodes: number[] = [];
const codeCounts: number[] = [];
const firstSymbols: number[] = [];
const symbols: number[] = [];

for (let bits = 0, code = 0; bits <= codeBitsMax; bits += 1, code <<= 1) {
  const ofLength = codeLengths.flatMap((length, symbol) => (length === bits ? [symbol] : []));
  firstCodes.push(code);
  codeCounts.push(ofLength.length);
  firstSymbols.push(symbols.length);
  symbols.push(...ofLength);
  code += ofLength.length;
}

/** Decodes a string to characters of one byte each; undefined where it is none of this code's. */
export function decodeHuffman(octets: Uint8Array): string | undefined {
  let decoded = "";
  let code = 0;
  let bits = 0;
  for (const octet of octets) {
    for (let bit = 7; bit >= 0; bit -= 1) {
      code = (code << 1) | ((octet >> bit) & 1);
      bits += 1;
      if (bits > codeBitsMax) {
        return undefined;
      }
      const place = code - (firstCodes[bits] as number);
      if (place >= 0 && place < (codeCounts[bits] as number)) {
        const symbol = symbols[(firstSymbols[bits] as number) + place] as number;
        if (symbol === endOfString) {
          return undefined;
        }
        decoded += String.fromCharCode(symbol);
        code = 0;
        bits = 0;
      }
    }
  }
  // What fills the last byte is the beginning of EOS: ones, and fewer than a byte of them.
  return bits < 8 && code === (1 << bits) - 1 ? decoded : undefined;
}
