import { describe, expect, test } from "vitest";
import { parseDemoArguments } from "./demo-arguments.js";

describe("parseDemoArguments", () => {
  test("takes a free port and a temporary directory by default", () => {
    expect(parseDemoArguments([], {})).toEqual({ port: 0, dataDirectory: undefined });
  });

  test("prefers the flag to the environment", () => {
    expect(parseDemoArguments([], { PORT: "8081" })).toMatchObject({ port: 8081 });
    expect(parseDemoArguments(["--port", "8080"], { PORT: "8081" })).toMatchObject({ port: 8080 });
  });

  test("makes the data directory absolute", () => {
    expect(parseDemoArguments(["--data=/tmp/kept/../files"], {})).toMatchObject({
      dataDirectory: "/tmp/files",
    });
  });

  test("asks for help before anything else", () => {
    expect(parseDemoArguments(["-h"], { PORT: "nonsense" })).toBe("help");
  });

  test.each(["", " 80", "-1", "65536", "8e3", "0x50", "80.5", "http"])(
    "refuses port %j",
    (port) => {
      expect(() => parseDemoArguments([`--port=${port}`], {})).toThrow(/^--port must be a number/);
      expect(() => parseDemoArguments([], { PORT: port })).toThrow(/^PORT must be a number/);
    },
  );

  test.each([["--prot", "1"], ["8080"], ["--port"], ["--help=yes"], ["-x"]])(
    "refuses %j %j",
    (...given) => {
      let message = "";
      try {
        parseDemoArguments(given, {});
      } catch (thrown) {
        message = (thrown as Error).message;
      }
      expect(message).toMatch(/; known are --port, --data and --help$/);
      expect(message).not.toContain("\n");
    },
  );
});
