import { expect, test } from "vitest";
import { frameFlag } from "./frames.js";
import { HeaderSections } from "./header-sections.js";

test("a section in several frames needs nothing of the input that brought them", () => {
  const sections = new HeaderSections();
  const parts = ["one ", "two ", "three"].map((text) => Buffer.from(text));
  const [first, second, third] = parts as [Buffer, Buffer, Buffer];
  expect(sections.begin(frameFlag.endStream, 1, first)).toBeUndefined();
  first.fill("x");
  expect(sections.goOn(0, 1, second)).toBeUndefined();
  second.fill("x");
  expect(sections.goOn(frameFlag.endHeaders, 1, third)).toEqual({
    flags: frameFlag.endStream,
    streamId: 1,
    block: Buffer.from("one two three"),
  });
});
