import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, closeSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { turns } from "@servehttp/testkit";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { logWaitingBytesMax } from "../limits.js";
import { logRecords } from "../test-rig/log-records.js";
import { hostLogger, isLogger } from "./host-logger.js";
import { StandardOutput } from "./standard-output.js";

describe("hostLogger", () => {
  it("passes records on to a pino logger", () => {
    const { logger, records } = logRecords();
    hostLogger(logger).warn({ plugin: "notes" }, "it is slow");
    expect(records).toMatchObject([{ level: 40, plugin: "notes", msg: "it is slow" }]);
  });

  it("leaves out a detail that the logger says in every record itself (H3)", () => {
    const lines: string[] = [];
    const pinoLogger = pino(
      { base: { pid: 1, service: "shop" } },
      { write: (line) => lines.push(line) },
    );
    hostLogger(pinoLogger).info({ service: "notes", pid: 2, plugin: "notes" }, "it runs");
    expect(lines.map((line) => line.match(/"(?:pid|service|plugin)":[^,}]*/g))).toEqual([
      ['"pid":1', '"service":"shop"', '"plugin":"notes"'],
    ]);
  });

  it("drops what a logger without debug and info has no method for", () => {
    const said: string[] = [];
    const logger = hostLogger({
      warn: (_details, message) => void said.push(message),
      error: (_details, message) => void said.push(message),
    });
    logger.debug({}, "debug");
    logger.info({}, "info");
    logger.warn({}, "warn");
    logger.error({}, "error");
    expect(said).toEqual(["warn", "error"]);
  });

  it("goes on where a logger throws (H1)", () => {
    const broken = () => {
      throw new Error("the log is gone");
    };
    const logger = hostLogger({ warn: broken, error: broken, info: broken, debug: broken });
    expect(() => logger.error({}, "something")).not.toThrow();
    expect(() => logger.info({}, "something")).not.toThrow();
  });

  it.each<[string, () => unknown]>([
    ["a promise", () => Promise.reject(new Error("the log is gone"))],
    // As of another realm, or another implementation.
    ["a thenable", () => runInNewContext("Promise.reject(new Error('the log is gone'))")],
  ])("goes on where %s of a logger rejects (H1)", async (_what, log) => {
    const rejected: unknown[] = [];
    const listener = (reason: unknown) => void rejected.push(reason);
    process.on("unhandledRejection", listener);
    hostLogger({ warn: log, error: log }).error({}, "something");
    await turns(2);
    process.off("unhandledRejection", listener);
    expect(rejected).toEqual([]);
  });

  it("tells followers of each record that the logger takes, whatever one of them throws", () => {
    const logger = hostLogger(pino({ level: "info" }, { write: () => undefined }));
    const heard: string[] = [];
    const end = logger.follow(({ level, details, message }) => {
      heard.push(`${level} ${message} ${JSON.stringify(details)}`);
      throw new Error("a follower's own");
    });
    logger.debug({}, "too little");
    logger.warn({ plugin: "notes" }, "it is slow");
    expect([logger.setLevel("debug"), logger.level]).toEqual([true, "debug"]);
    logger.debug({}, "enough now");
    end();
    logger.error({}, "nobody follows");
    expect(heard).toEqual(['warn it is slow {"plugin":"notes"}', "debug enough now {}"]);
  });

  it("has no level where the logger has none, and tells followers of everything", () => {
    const logger = hostLogger(false);
    const heard: string[] = [];
    logger.follow(({ message }) => void heard.push(message));
    logger.debug({}, "something");
    expect([logger.level, logger.setLevel("debug"), heard]).toEqual([
      undefined,
      false,
      ["something"],
    ]);
  });

  it("says so where the logger refuses a level", () => {
    const log = () => undefined;
    const logger = hostLogger(Object.freeze({ warn: log, error: log, level: "info" }));
    expect([logger.setLevel("debug"), logger.level]).toEqual([false, "info"]);
  });

  it.each([[{ warn() {} }], [{ warn() {}, error() {}, info: 1 }], [null], [true], [() => {}]])(
    "takes no logger that lacks a method: %o",
    (given) => {
      expect(isLogger(given)).toBe(false);
    },
  );

  it("takes false, pino, and an object with warn and error", () => {
    expect([false, pino({ enabled: false }), { warn() {}, error() {} }].map(isLogger)).toEqual([
      true,
      true,
      true,
    ]);
  });
});

describe("the default logger", () => {
  const script = `
    import { hostLogger } from ${JSON.stringify(new URL("../../dist/options/host-logger.js", import.meta.url).href)};
    const logger = hostLogger(undefined);
    for (let record = 0; record < 1_000; record += 1) {
      logger.warn({ record }, "x".repeat(1_000));
    }
  `;

  it.runIf(process.platform === "linux")(
    "does not stop the host when the disk is full (H3)",
    async () => {
      const full = openSync("/dev/full", "w");
      const host = spawn(process.execPath, ["--input-type=module", "-e", script], {
        stdio: ["ignore", full, "inherit"],
      });
      closeSync(full);
      expect(await once(host, "exit")).toEqual([0, null]);
    },
  );

  it("does not stop the host when nobody reads its output any more (H3)", async () => {
    const host = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    host.stdout.destroy();
    expect(await once(host, "exit")).toEqual([0, null]);
  });
});

describe("StandardOutput", () => {
  /** What `writeSync` throws. */
  function failure(code: string): Error {
    return Object.assign(new Error(code), { code });
  }

  it("writes the rest of a record that the system took in part", () => {
    const written: string[] = [];
    const output = new StandardOutput((text) => {
      written.push(text.subarray(0, 3).toString());
      return 3;
    });
    output.write("abcdef\n..");
    expect(written.join("")).toBe("abcdef\n..");
  });

  it("loses a record that can't be written, and writes the next", () => {
    const written: string[] = [];
    let isFull = true;
    const output = new StandardOutput((text) => {
      if (isFull) {
        throw failure("ENOSPC");
      }
      written.push(text.toString());
      return text.length;
    });
    output.write("lost\n");
    isFull = false;
    output.write("kept\n");
    expect([written, output.lost]).toEqual([["kept\n"], 1]);
  });

  it("keeps records while a pipe is full, up to a bound", () => {
    const written: string[] = [];
    let isFull = true;
    const output = new StandardOutput((text) => {
      if (isFull) {
        throw failure("EAGAIN");
      }
      written.push(text.toString());
      return text.length;
    });
    output.write("first\n");
    output.write("x".repeat(logWaitingBytesMax));
    isFull = false;
    output.write("second\n");
    expect([written, output.lost]).toEqual([["first\nsecond\n"], 1]);
  });
});
