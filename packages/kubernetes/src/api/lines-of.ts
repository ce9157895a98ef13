const newline = 10;

/**
 * The whole lines of a stream, those of each chunk together. What stands behind the last end of a
 * line is dropped with the stream.
 *
 * @throws RangeError for a line of more bytes than allowed
 */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  lineBytesMax: number,
): AsyncGenerator<readonly string[]> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of chunks) {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, from)) {
      held.push(chunk.subarray(from, end));
      lines.push(Buffer.concat(held).toString());
      held = [];
      heldBytes = 0;
      from = end + 1;
    }
    if (from < chunk.length) {
      held.push(chunk.subarray(from));
      heldBytes += chunk.length - from;
    }
    if (heldBytes > lineBytesMax) {
      throw new RangeError(`a line of more than ${lineBytesMax} bytes`);
    }
    if (lines.length > 0) {
      yield lines;
    }
  }
}
