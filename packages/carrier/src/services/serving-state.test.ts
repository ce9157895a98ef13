import { getEventListeners } from "node:events";
import { expect, it } from "vitest";
import { ServingState } from "./serving-state.js";

it("lets go of who waits when the plugin stops, and of both when who waits leaves", async () => {
  const state = new ServingState();
  const stays = new AbortController();
  const leaves = new AbortController();
  const waits = [state.whenClosing(stays.signal), state.whenClosing(leaves.signal)];
  expect(state.waitingCount).toBe(2);
  leaves.abort();
  await waits[1];
  expect(state.waitingCount).toBe(1);
  expect(getEventListeners(stays.signal, "abort")).toHaveLength(1);
  state.close();
  await waits[0];
  expect([state.serving, state.waitingCount]).toEqual([false, 0]);
  expect(getEventListeners(stays.signal, "abort")).toEqual([]);
  await state.whenClosing(stays.signal);
  await new ServingState().whenClosing(leaves.signal);
});
