import { expect, it } from "vitest";
import { ServeHTTPError } from "../index.js";
import { attributeSetsMax } from "../limits.js";
import { observed } from "../test-rig/observed.js";
import { RequestAttributes } from "./request-attributes.js";

it("makes a set of attributes once, and another one for everything that differs", () => {
  const sets = new RequestAttributes();
  const first = sets.ended(observed());
  expect(sets.ended(observed({ target: "/other", clientAddress: "203.0.113.9:1" }))).toBe(first);
  const others = [
    sets.ended(observed({ method: "POST" })),
    sets.ended(observed({ scheme: "https" })),
    sets.ended(observed({ httpVersion: "2" })),
    sets.ended(observed({ httpVersion: "1.0" })),
    sets.ended(observed({ status: 404 })),
    sets.ended(observed({ status: undefined })),
    sets.ended(observed({ pluginId: "other" })),
    sets.ended(observed({ pluginId: undefined })),
    sets.ended(observed({ error: new ServeHTTPError("deadline", "late") })),
    sets.ended(observed({ error: new ServeHTTPError("internal", "a fault") })),
  ];
  expect(new Set([first, ...others]).size).toBe(others.length + 1);
  expect(new Set([first, ...others].map((set) => JSON.stringify(set))).size).toBe(
    others.length + 1,
  );
});

it("says what kind of error it was", () => {
  const sets = new RequestAttributes();
  const late = new ServeHTTPError("deadline", "late");
  expect(sets.ended(observed({ status: 504, error: late }))["error.type"]).toBe("deadline");
  expect(sets.ended(observed({ status: 503 }))["error.type"]).toBe("503");
  expect(sets.ended(observed({ status: 404 }))).not.toHaveProperty("error.type");
});

it("counts what comes beyond its bound together", () => {
  const sets = new RequestAttributes();
  const overflow = { "otel.metric.overflow": true };
  for (let index = 0; index < attributeSetsMax; index += 1) {
    sets.active(observed({ pluginId: `p${index}` })).count += 1;
  }
  expect(sets.ended(observed())).toEqual(overflow);
  const beyond = sets.active(observed());
  beyond.count += 1;
  expect(sets.active(observed({ method: "POST" }))).toBe(beyond);
  expect([...sets.allActive()].at(-1)).toEqual({ attributes: overflow, count: 1 });
  // A set that is there already is found all the same.
  expect(sets.active(observed({ pluginId: "p0" })).attributes).toMatchObject({
    "servehttp.plugin.id": "p0",
  });
});
