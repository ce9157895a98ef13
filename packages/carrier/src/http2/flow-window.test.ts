import { expect, test } from "vitest";
import { errorCode, windowUpdateFrame } from "./frames.js";
import { FlowWindow, rpcWindowBytes } from "./flow-window.js";

test("what was read is told once it is more than half of the window, of the stream and in all", () => {
  const window = new FlowWindow(1);
  window.take(3, 10);
  window.take(1, rpcWindowBytes / 2 - 10);
  expect(window.update()).toBeUndefined();
  window.take(1, 1);
  const told = [
    windowUpdateFrame(0, rpcWindowBytes / 2 + 1),
    windowUpdateFrame(1, rpcWindowBytes / 2 - 9),
  ];
  expect(window.update()).toEqual(Buffer.concat(told));
  expect(window.update()).toBeUndefined();
});

test("a stream of which nothing came is not told of", () => {
  const window = new FlowWindow(1);
  window.take(3, rpcWindowBytes);
  expect(window.update()).toEqual(windowUpdateFrame(0, rpcWindowBytes));
});

test("more bytes than the window allows are refused, those of other streams as well", () => {
  for (const streamId of [1, 3]) {
    const window = new FlowWindow(1);
    window.take(1, rpcWindowBytes - 10);
    window.take(streamId, 10);
    expect(() => window.take(streamId, 1)).toThrow(
      expect.objectContaining({ code: errorCode.flowControlError }),
    );
  }
});
