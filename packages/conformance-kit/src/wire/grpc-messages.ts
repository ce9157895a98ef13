/** The length prefix of gRPC before a message. */
export function envelope(message: Uint8Array, compressed = false): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed ? 1 : 0);
  head.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([head, message]);
}

/** Cuts the data of an RPC into messages. */
export class MessageCutter {
  #pieces: Buffer[] = [];
  #bytes = 0;

  push(data: Buffer, take: (message: Uint8Array) => void): void {
    this.#pieces.push(data);
    this.#bytes += data.length;
    while (this.#bytes >= 5) {
      const head = this.#joined();
      const end = 5 + head.readUInt32BE(1);
      if (this.#bytes < end) {
        return;
      }
      const all = Buffer.concat(this.#pieces);
      this.#pieces = end < all.length ? [all.subarray(end)] : [];
      this.#bytes = all.length - end;
      take(all.subarray(5, end));
    }
  }

  /** The first piece, with at least a whole prefix in it. */
  #joined(): Buffer {
    const [first = Buffer.alloc(0)] = this.#pieces;
    if (first.length >= 5) {
      return first;
    }
    const all = Buffer.concat(this.#pieces);
    this.#pieces = [all];
    return all;
  }
}
