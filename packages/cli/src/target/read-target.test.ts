import { describe, expect, it } from "vitest";
import { readTarget } from "./read-target.js";

describe("readTarget", () => {
  it.each([
    "http://10.0.0.7:50051",
    "https://search.example:50051",
    "unix:/run/search.sock",
    "dns:///search.plugins.svc:50051",
    "dns://10.0.0.2/search:50051",
    "srv:///_grpc._tcp.search.plugins.svc",
  ])("takes %s for the address of a plugin that somebody else runs", (url) => {
    expect(readTarget(url, "/", {})).toEqual({ url });
  });
});
