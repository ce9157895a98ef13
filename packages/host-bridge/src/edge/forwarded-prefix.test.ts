import { describe, expect, it } from "vitest";
import type { EdgeOptions } from "./edge-options.js";
import { EdgePolicy } from "./edge-policy.js";
import type { ClientFacts } from "./request-fields.js";

const host = ["Host", "h.test"];

describe("the base path (M2)", () => {
  const mounted: ClientFacts = {
    versionMajor: 1,
    versionMinor: 1,
    peer: "192.0.2.1",
    remoteAddress: "192.0.2.1:4711",
    scheme: "http",
    authority: undefined,
    basePath: "/app/plugins/notes",
    publicPath: "/app",
    endedByHead: false,
    upgradable: false,
  };
  const trusting = { trustedProxies: ["192.0.2.0/24"] };
  const twoProxies = ["X-Forwarded-For", "203.0.113.7, 192.0.2.9"] as const;

  function prefixes(sent: readonly string[], options: EdgeOptions, client = mounted) {
    const result = new EdgePolicy(options).readRequest([...host, ...sent], client);
    if (result.kind === "refusal") {
      throw new Error(result.reason);
    }
    const { basePath, fields } = result;
    const seen = fields.filter((_, at) => /^x-forwarded-prefix$/i.test(fields[at - 1] ?? ""));
    return [basePath, ...seen];
  }

  it.each([
    // A stranger's is dropped.
    [["X-Forwarded-Prefix", "/evil"], {}, ["/app/plugins/notes", "/app/plugins/notes"]],
    [["X_Forwarded_Prefix", "/evil"], trusting, ["/app/plugins/notes", "/app/plugins/notes"]],
    [[], trusting, ["/app/plugins/notes", "/app/plugins/notes"]],
    // A trusted proxy's takes the place of the public path.
    [["X-Forwarded-Prefix", "/real"], trusting, ["/real/plugins/notes", "/real/plugins/notes"]],
    [["X-Forwarded-Prefix", "/real/"], { forwarded: "append" }, ["/real/plugins/notes"]],
    [["X-Forwarded-Prefix", "/"], trusting, ["/plugins/notes", "/plugins/notes"]],
    // One proxy has written one element, and two have written two.
    [["x-forwarded-prefix", "/evil, /b"], trusting, ["/b/plugins/notes"]],
    [
      ["X-Forwarded-Prefix", "//evil, /a", "X-Forwarded-Prefix", "/b%20", ...twoProxies],
      trusting,
      ["/a/b%20/plugins/notes"],
    ],
    [["X-Forwarded-Prefix", "/a, /b"], { forwarded: "append" }, ["/a/b/plugins/notes"]],
    // The other family has no such field.
    [
      ["X-Forwarded-Prefix", "/evil"],
      { ...trusting, forwardedBy: "forwarded" },
      ["/app/plugins/notes", "/app/plugins/notes"],
    ],
    // With "off" it passes as it came, and the host says nothing itself.
    [["X-Forwarded-Prefix", "/x"], { forwarded: "off" }, ["/app/plugins/notes", "/x"]],
    [[], { forwarded: "off" }, ["/app/plugins/notes"]],
    [
      ["X-Forwarded-Prefix", "/real"],
      { ...trusting, forwarded: "off" },
      ["/real/plugins/notes", "/real"],
    ],
  ] as const)("of a client that sends %j, with %j: %j", (sent, options, expected) => {
    const [basePath, seen] = prefixes(sent, options);
    expect([basePath, seen]).toEqual([expected[0], expected[1] ?? seen]);
    expect(prefixes(sent, options).length).toBeLessThan(3);
  });

  it.each(["x", "//evil", "/\\evil", "/a?b", "/../a", "/a//b", "http://h/x", "/a b", "/\xe9"])(
    "refuses the prefix %j of a trusted proxy",
    (prefix) => {
      const raw = [...host, "X-Forwarded-Prefix", prefix];
      const refusal = { kind: "refusal", status: 400 };
      expect(new EdgePolicy(trusting).readRequest(raw, mounted)).toMatchObject(refusal);
    },
  );

  it("refuses a trusted proxy's prefix that the contract has no room for", () => {
    const raw = (length: number) => [...host, "X-Forwarded-Prefix", `/${"a".repeat(length)}`];
    const policy = new EdgePolicy(trusting);
    expect(policy.readRequest(raw(1_009), mounted)).toMatchObject({ kind: "fields" });
    expect(policy.readRequest(raw(1_010), mounted)).toMatchObject({ status: 400 });
  });

  it("is empty for a plugin at the root, whatever a proxy says", () => {
    const sent = ["X-Forwarded-Prefix", "/real"];
    expect(prefixes(sent, trusting, { ...mounted, basePath: "" })).toEqual([""]);
  });
});
