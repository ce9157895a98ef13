import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { TemporaryDirectory, until } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import { createPluginHost } from "../create-plugin-host.js";
import { logFileCheckMs } from "../limits.js";
import { ServeHTTPError } from "../index.js";
import type { HostOptions } from "../options/options.js";
import { readHostOptions } from "../options/read-options.js";
import { Bridge } from "../test-rig/bridge.js";
import { logRecords } from "../test-rig/log-records.js";
import { observed } from "../test-rig/observed.js";
import { AccessLog } from "./access-log.js";
import { combinedLine } from "./combined-line.js";

const none: ReadonlySet<string> = new Set();

/** An access log with these options, and what it has written. */
function logOf(accessLog: HostOptions["accessLog"], random = () => 0) {
  const { logger, records } = logRecords();
  const settings = readHostOptions({ accessLog, logger }).accessLog;
  if (settings === undefined) {
    throw new Error("there is no access log");
  }
  const options = { logger: readHostOptions({ logger }).logger, secretParameters: none, random };
  return { log: new AccessLog(settings, options), records };
}

/** A place that keeps what is written. */
function place() {
  const texts: string[] = [];
  return { texts, write: (text: string) => void texts.push(text) };
}

describe("the access log", () => {
  it("writes a record with the names of the semantic conventions", () => {
    const { log, records } = logOf(true);
    log.over(
      observed(
        {
          trace: { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad", sampled: true },
          clientAddress: "[2001:db8::1]:4711",
          waitedMs: 7,
          timesGivenBack: 2,
        },
        { "user-agent": 'me "and" \n you' },
      ),
    );
    expect(records).toEqual([
      {
        level: 30,
        time: expect.any(Number),
        pid: expect.any(Number),
        hostname: expect.any(String),
        msg: "request",
        "http.request.method": "GET",
        "url.scheme": "http",
        "url.path": "/plugins/notes/a",
        "url.query": "q=1",
        "server.address": "a.test",
        "server.port": 8080,
        "client.address": "2001:db8::1",
        "client.port": 4711,
        "network.protocol.version": "1.1",
        "user_agent.original": 'me "and" \n you',
        "http.response.status_code": 200,
        "http.request.body.size": 0,
        "http.response.body.size": 5,
        "servehttp.plugin.id": "notes",
        "servehttp.request.id": "a-1",
        "servehttp.outcome": "ok",
        "servehttp.client.left": false,
        "servehttp.head_ms": 1.235,
        "servehttp.total_ms": 2.5,
        "servehttp.waited_ms": 7,
        "servehttp.retries": 2,
        trace_id: "0af7651916cd43dd8448eb211c80319c",
        span_id: "b7ad",
      },
    ]);
  });

  it("says of a request that failed why, and whether its client left", () => {
    const { log, records } = logOf(true);
    const error = new ServeHTTPError("client-disconnected", "the client left");
    log.over(
      observed({ method: "STEAL", status: undefined, outcome: "client-disconnected", error }),
    );
    expect(records[0]).toMatchObject({
      "http.request.method": "_OTHER",
      "http.request.method_original": "STEAL",
      "servehttp.outcome": "client-disconnected",
      "servehttp.client.left": true,
      "error.type": "client-disconnected",
    });
    expect(records[0]).not.toHaveProperty("http.response.status_code");
  });

  it("writes the same to a place of its own, several lines at once", async () => {
    const to = place();
    const { log, records } = logOf({ to });
    log.over(observed());
    log.over(observed({ target: "/é\u2028" }));
    expect(to.texts).toEqual([]);
    await until(() => to.texts.length > 0, "the lines");
    const lines = (to.texts[0] ?? "").trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 30, name: "servehttp", msg: "request", "url.path": "/plugins/notes/a" },
      { "url.path": "/é\u2028" },
    ]);
    expect(records).toEqual([]);
  });

  it("writes what does not fit with the rest, and lines that are longer than all of it", () => {
    const to = place();
    const { log } = logOf({ format: "combined", to });
    const long = `/${"é".repeat(30_000)}`;
    for (const target of ["/1", long, "/2"]) {
      log.over(observed({ target }));
    }
    log.flush();
    const lines = to.texts.join("").trimEnd().split("\n");
    expect(lines.map((line) => line.split(" ")[6]?.length)).toEqual([2, 1 + 30_000 * 4, 2]);
    for (let index = 0; index < 1_000; index += 1) {
      log.over(observed());
    }
    expect(to.texts.length).toBeGreaterThan(3);
    log.close();
    expect(to.texts.join("").match(/\n/g)).toHaveLength(1_003);
  });

  it("logs a share of the requests, and only slow ones", () => {
    const draws = [0.1, 0.3, 0.24, 0.25];
    const { log, records } = logOf({ sample: 0.25 }, () => draws.shift() ?? 1);
    for (const _ of Array.from({ length: 4 })) {
      log.over(observed());
    }
    expect(records).toHaveLength(2);
    const slow = logOf({ slowerThanMs: 100 });
    slow.log.over(observed({ totalMs: 99.9 }));
    slow.log.over(observed({ totalMs: 100 }));
    expect(slow.records).toMatchObject([{ "servehttp.total_ms": 100 }]);
  });

  it.each<[unknown, string]>([
    ["yes", 'accessLog: got "yes", allowed is true, false, or an object with some of format,'],
    [{ format: "clf" }, 'accessLog.format: got "clf", allowed is one of "json", "combined"'],
    [{ sample: 2 }, "accessLog.sample: got 2, allowed is a number from 0 to 1"],
    [{ to: "" }, 'accessLog.to: got "", allowed is a file\'s path, or an object with write'],
    [{ file: "a" }, "accessLog.file: no such option; allowed are format, sample, slowerThanMs, to"],
    [{ to: "/nowhere/at/all.log" }, 'accessLog.to: "/nowhere/at/all.log" can\'t be opened'],
  ])("refuses %j", (accessLog, message) => {
    expect(() => createPluginHost({ accessLog } as HostOptions)).toThrow(message);
  });
});

describe("a file of the access log", () => {
  it("is appended to, and made anew where another program moves it away", async () => {
    await using directory = await TemporaryDirectory.make();
    const path = directory.at("access.log");
    const { log } = logOf({ format: "combined", to: path });
    const write = (target: string) => {
      log.over(observed({ target }));
      log.flush();
    };
    write("/1");
    renameSync(path, directory.at("access.log.1"));
    await until(() => {
      write("/2");
      return readIfThere(path).includes("/2");
    }, `a new file within ${logFileCheckMs} ms`);
    expect(readFileSync(directory.at("access.log.1"), "utf8")).toContain("/1");
    log.close();
    write("/3");
    expect(readFileSync(path, "utf8")).toContain("/3");
    log.close();
  });

  it("that can't be written costs its lines, and one line a minute of the host's log", async () => {
    await using directory = await TemporaryDirectory.make();
    const inside = directory.at("logs");
    mkdirSync(inside);
    const { log, records } = logOf({ format: "combined", to: `${inside}/access.log` });
    log.close();
    rmSync(inside, { recursive: true });
    for (const _ of Array.from({ length: 3 })) {
      log.over(observed());
      log.flush();
    }
    expect(records).toMatchObject([
      { level: 40, lines: 1, msg: "lines of the access log could not be written" },
    ]);
  });

  it("of a stream that nobody reads loses lines, and takes no memory", () => {
    const full = { ...place(), writableLength: 2_000_000 };
    const { log, records } = logOf({ to: full });
    log.over(observed());
    log.flush();
    expect(full.texts).toEqual([]);
    expect(records).toMatchObject([{ level: 40, lines: 1 }]);
  });
});

describe("a line in the combined format", () => {
  /** 2000-10-10T13:55:36Z */
  const unixMs = 971_186_136_000;

  it("is as Apache writes it", () => {
    const fields = { referer: "http://a.test/start", "user-agent": "Mozilla/5.0 (X11)" };
    expect(combinedLine(observed({}, fields), none, unixMs + 2.5)).toBe(
      '192.0.2.7 - - [10/Oct/2000:13:55:36 +0000] "GET /plugins/notes/a?q=1 HTTP/1.1" 200 5 "http://a.test/start" "Mozilla/5.0 (X11)"\n',
    );
  });

  it("says 499 of a client that left, and - of what there is not", () => {
    const gone = observed({
      status: undefined,
      responseBytes: 0,
      clientAddress: "",
      httpVersion: "2",
    });
    expect(combinedLine(gone, none, unixMs)).toMatch(
      /^- - - \[.*\] "GET \S+ HTTP\/2\.0" 499 - "-" "-"\n$/,
    );
  });

  it("can't be forged by a client", () => {
    const fields = {
      referer: '"\n127.0.0.1 - - "GET /admin',
      "user-agent": 'a\\"\x1b[2Jb\x7f\xe9\u2028\ud800',
    };
    const line = combinedLine(
      observed({ target: '/"\r\n\t', method: "GET" }, fields),
      none,
      unixMs,
    );
    expect(line.slice(0, -1)).toMatch(/^[ -~]*$/);
    const quotes = line.match(/(?<!\\)(?:\\\\)*"/g);
    expect(quotes).toHaveLength(6);
    expect(line).toContain('"GET /\\"\\x0d\\x0a\\x09 HTTP/1.1"');
    expect(line).toContain('"a\\\\\\"\\x1b[2Jb\\x7f\\xe9\\xe2\\x80\\xa8\\xef\\xbf\\xbd"');
  });

  it("has no secret parameter, in the Referer either", () => {
    const fields = { referer: "http://a.test/?token=secret&a=1" };
    const line = combinedLine(observed({}, fields), new Set(["token"]), unixMs);
    expect(line).toContain('"http://a.test/?a=1"');
    expect(line).not.toContain("secret");
  });
});

describe("a host with an access log", () => {
  it("logs every request once, and no secret parameter of one", async () => {
    const to = place();
    const handler = {
      serveHTTP: (_request: unknown, response: { end: (text: string) => Promise<void> }) =>
        response.end("hello"),
    };
    await using bridge = await Bridge.start(handler, {
      host: {
        accessLog: { format: "combined", to },
        edge: { strip: { queryParameters: ["token"] } },
      },
    });
    const ask = async (path: string) =>
      await (
        await fetch(`http://127.0.0.1:${bridge.port}${path}`, {
          headers: { referer: "http://a.test/?token=secret" },
        })
      ).text();
    await ask("/plugins/notes/?token=secret");
    await ask("/plugins/stranger?token=secret");
    await ask("/elsewhere?token=secret");
    await bridge.host.stop();
    const lines = to.texts.join("").trimEnd().split("\n");
    expect(lines.map((line) => /"([^"]*)" (\d+) (\d+) /.exec(line)?.slice(1))).toEqual([
      ["GET /plugins/notes/ HTTP/1.1", "200", "5"],
      ["GET /plugins/stranger HTTP/1.1", "404", "11"],
      ["GET /elsewhere HTTP/1.1", "404", "11"],
    ]);
    expect(to.texts.join("")).not.toContain("secret");
  });
});

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
