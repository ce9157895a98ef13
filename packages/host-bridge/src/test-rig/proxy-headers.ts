const signature = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");

/** A header of version 2 of the PROXY protocol, right or wrong. */
export function binaryHeader(
  versionAndCommand: number,
  familyAndTransport: number,
  ...rest: readonly Buffer[]
): Buffer {
  const behind = Buffer.concat(rest);
  const fixed = Buffer.from([versionAndCommand, familyAndTransport, 0, 0]);
  fixed.writeUInt16BE(behind.length, 2);
  return Buffer.concat([signature, fixed, behind]);
}
