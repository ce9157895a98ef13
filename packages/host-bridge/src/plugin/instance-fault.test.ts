import { type ErrorCode, ServeHTTPError } from "@servehttp/contract";
import { describe, expect, it } from "vitest";
import { instanceFault } from "./instance-fault.js";

const fault = (code: ErrorCode, awaitedPlugin: boolean) =>
  instanceFault(new ServeHTTPError(code, "it failed"), awaitedPlugin);

describe("instanceFault", () => {
  it.each(["connection-lost", "connection-failed"] as const)(
    "blames the instance for %s",
    (code) => {
      expect([fault(code, true), fault(code, false)]).toEqual(["local-origin", "local-origin"]);
    },
  );

  it("blames it for a time that ran out where it had the request, or did not read it", () => {
    expect([fault("deadline", true), fault("deadline", false)]).toEqual([
      "local-origin",
      undefined,
    ]);
  });

  it.each(["handler-failed", "broken-order", "request-not-needed"] as const)(
    "takes %s for a 500",
    (code) => {
      expect(fault(code, true)).toBe("5xx");
    },
  );

  it.each(["protocol-violation", "not-a-plugin", "unauthenticated"] as const)(
    "takes %s for a 502",
    (code) => {
      expect(fault(code, true)).toBe("gateway");
    },
  );

  it.each([
    "client-disconnected",
    "host-stopping",
    "plugin-closing",
    "overload",
    "unavailable",
    "internal",
  ] as const)("blames it for no %s", (code) => {
    expect(fault(code, true)).toBeUndefined();
  });
});
