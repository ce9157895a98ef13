import { createServer } from "node:http";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FastPath } from "./fast-path.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "Date"], now: Date.UTC(2026, 0, 1, 0, 0, 0, 400) });
});
afterEach(() => {
  vi.useRealTimers();
});

it("gives responses the Date of their second, and the server's time to keep a connection", () => {
  const server = createServer();
  const fastPath = new FastPath({
    server,
    passToNode: () => undefined,
    requestListener: undefined,
    admit: () => false,
    onError: () => undefined,
    limits: { headBytesMax: 1, fieldsMax: 1 },
  });
  const kept = (seconds: number) => `Connection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n`;
  const at = (second: number) => `Date: Thu, 01 Jan 2026 00:00:0${second} GMT\r\n`;
  expect(fastPath.ownFields(false, false)).toBe(at(0) + kept(5));
  vi.advanceTimersByTime(599);
  expect(fastPath.ownFields(false, false)).toBe(at(0) + kept(5));
  vi.advanceTimersByTime(1);
  expect(fastPath.ownFields(false, false)).toBe(at(1) + kept(5));
  server.keepAliveTimeout = 7_000;
  expect(fastPath.ownFields(false, false)).toBe(at(1) + kept(7));
  expect(fastPath.ownFields(true, false)).toBe(kept(7));
  vi.advanceTimersByTime(5_000);
  expect(fastPath.ownFields(false, false)).toBe(at(6) + kept(7));
  expect(fastPath.ownFields(false, true)).toBe(`${at(6)}Connection: close\r\n`);
  expect(fastPath.ownFields(true, true)).toBe("Connection: close\r\n");
});
