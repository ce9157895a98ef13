/**
 * Time as `paced` needs it: milliseconds from any fixed point, and a wait that rejects when it is
 * given up.
 */
export interface Pace {
  readonly bytesPerSecond: number;
  now(): number;
  sleep(waitMs: number): Promise<void>;
}

/**
 * Passes chunks on no faster than so many bytes a second on average. The rest stays with the
 * client: nothing collects here.
 */
export async function* paced(
  body: AsyncIterable<Uint8Array>,
  pace: Pace,
): AsyncGenerator<Uint8Array> {
  const startMs = pace.now();
  let takenBytes = 0;
  for await (const chunk of body) {
    yield chunk;
    takenBytes += chunk.byteLength;
    const waitMs = startMs + (takenBytes / pace.bytesPerSecond) * 1_000 - pace.now();
    if (waitMs > 0) {
      await pace.sleep(waitMs);
    }
  }
}
