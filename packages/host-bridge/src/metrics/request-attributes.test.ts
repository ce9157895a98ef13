import { expect, it } from "vitest";
import { ServeHTTPError } from "../index.js";
import { attributeSetsMax } from "../limits.js";
import { observed } from "../test-rig/observed.js";
import type { ObservedRequest } from "../observation/request-observer.js";
import { RequestAttributes } from "./request-attributes.js";

/** The attributes of a request that is over. */
function ended(sets: RequestAttributes, request: ObservedRequest) {
  return sets.ended(sets.active(request), request);
}

it("makes a set of attributes once, and another one for everything that differs", () => {
  const sets = new RequestAttributes();
  const first = ended(sets, observed());
  expect(ended(sets, observed({ target: "/other", clientAddress: "203.0.113.9:1" }))).toBe(first);
  const others = [
    ended(sets, observed({ method: "POST" })),
    ended(sets, observed({ scheme: "https" })),
    ended(sets, observed({ httpVersion: "2" })),
    ended(sets, observed({ httpVersion: "1.0" })),
    ended(sets, observed({ status: 404 })),
    ended(sets, observed({ status: undefined })),
    ended(sets, observed({ pluginId: "other" })),
    ended(sets, observed({ pluginId: undefined })),
    ended(sets, observed({ error: new ServeHTTPError("deadline", "late") })),
    ended(sets, observed({ error: new ServeHTTPError("internal", "a fault") })),
  ];
  expect(new Set([first, ...others]).size).toBe(others.length + 1);
  expect(new Set([first, ...others].map((set) => JSON.stringify(set))).size).toBe(
    others.length + 1,
  );
});

it("counts methods that nobody knows together", () => {
  const sets = new RequestAttributes();
  const other = sets.active(observed({ method: "STEAL" }));
  expect(other.attributes["http.request.method"]).toBe("_OTHER");
  expect(sets.active(observed({ method: "BREW" }))).toBe(other);
  expect(sets.active(observed({ method: "GET" }))).not.toBe(other);
  expect([...sets.allActive()]).toHaveLength(2);
});

it("says what kind of error it was", () => {
  const sets = new RequestAttributes();
  const late = new ServeHTTPError("deadline", "late");
  expect(ended(sets, observed({ status: 504, error: late }))["error.type"]).toBe("deadline");
  expect(ended(sets, observed({ status: 503 }))["error.type"]).toBe("503");
  expect(ended(sets, observed({ status: 404 }))).not.toHaveProperty("error.type");
});

it("counts what comes beyond its bound together", () => {
  const sets = new RequestAttributes();
  const overflow = { "otel.metric.overflow": true };
  for (let index = 0; index < attributeSetsMax; index += 1) {
    sets.active(observed({ pluginId: `p${index}` })).count += 1;
  }
  expect(ended(sets, observed())).toEqual(overflow);
  const beyond = sets.active(observed());
  beyond.count += 1;
  expect(sets.active(observed({ method: "POST" }))).toBe(beyond);
  expect([...sets.allActive()].at(-1)).toMatchObject({ attributes: overflow, count: 1 });
  // A set that is there already is found all the same.
  expect(sets.active(observed({ pluginId: "p0" })).attributes).toMatchObject({
    "servehttp.plugin.id": "p0",
  });
});
