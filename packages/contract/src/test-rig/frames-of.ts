import type { FrameBatch } from "../frame-batch.js";
import type { Frame } from "../frame-queue.js";
import type { BodyParts } from "../parts.js";

/** The frames of the next batch, to be kept; undefined where there is none. */
export function framesOf<Parts extends BodyParts, Owner>(
  batch: FrameBatch<Parts, Owner>,
): Frame<Parts>[] | undefined {
  const frames: Frame<Parts>[] = [];
  const any = batch.nextBatch({ takeFrame: (frame) => void frames.push({ ...frame }) });
  return any ? frames : undefined;
}
