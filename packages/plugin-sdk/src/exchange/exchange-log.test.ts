import type { Logger } from "@servehttp/contract";
import { expect, it } from "vitest";
import type { RequestLog } from "../handler/request-log.js";
import { callHandler, type TestRequest } from "../testing/testing.js";

type LogRecord = [level: string, details: Readonly<Record<string, unknown>>, message: string];

/** What a handler logs while it answers a request. */
async function logged(
  use: (log: RequestLog) => void,
  request: TestRequest = {},
  only?: readonly (keyof Logger)[],
): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  const levels = only ?? (["debug", "info", "warn", "error"] as const);
  const logger = Object.fromEntries(
    levels.map((level) => [
      level,
      (details: LogRecord[1], message: string) => void records.push([level, details, message]),
    ]),
  ) as unknown as Logger;
  const serveHTTP = ({ log }: { log: RequestLog }): void => use(log);
  const { response } = callHandler({ serveHTTP }, { id: "r-1", ...request }, { logger });
  expect((await response).status).toBe(200);
  return records;
}

it("says in each record which request it belongs to", async () => {
  const failure = new Error("no disk");
  const records = await logged((log) => {
    log.debug("looks");
    log.info({ user: "ada" }, "found");
    log.warn({ left: 3 });
    log.error(failure);
    log.error(failure, "could not write");
  });
  expect(records).toEqual([
    ["debug", { requestId: "r-1" }, "looks"],
    ["info", { requestId: "r-1", user: "ada" }, "found"],
    ["warn", { requestId: "r-1", left: 3 }, ""],
    ["error", { requestId: "r-1", err: failure }, "no disk"],
    ["error", { requestId: "r-1", err: failure }, "could not write"],
  ]);
});

it("says which trace the request belongs to, as the header section has it", async () => {
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const headers = { Traceparent: `00-${traceId}-b7ad6b7169203331-00` };
  const [record] = await logged((log) => log.info("here"), { headers });
  expect(record?.[1]).toEqual({ requestId: "r-1", trace_id: traceId, span_id: "b7ad6b7169203331" });
});

it("gives children the fields of their parents", async () => {
  const records = await logged((log) => {
    const child = log.child({ part: "search" }).child({ page: 2 });
    child.info({ hits: 1 }, "found");
    log.info("done");
  });
  expect(records).toEqual([
    ["info", { requestId: "r-1", part: "search", page: 2, hits: 1 }, "found"],
    ["info", { requestId: "r-1" }, "done"],
  ]);
});

it("drops records of levels that the logger does not have", async () => {
  const records = await logged(
    (log) => {
      log.debug("looks");
      log.info("found");
      log.warn("but");
    },
    {},
    ["warn", "error"],
  );
  expect(records).toEqual([["warn", { requestId: "r-1" }, "but"]]);
});

it("writes a record whose details can't be read", async () => {
  const unreadable = {
    get one(): never {
      throw new Error("no");
    },
  };
  const records = await logged((log) => log.info(unreadable, "found"));
  expect(records).toMatchObject([["info", { requestId: "r-1", err: { message: "no" } }, "found"]]);
});

it("is there in the other styles, too", async () => {
  const seen: unknown[] = [];
  const logger: Logger = {
    info: (details, message) => void seen.push([details, message]),
    warn: () => undefined,
    error: () => undefined,
  };
  const fetching = callHandler(
    {
      fetch: (_request, { log }) => {
        log.info("fetch");
        return new Response();
      },
    },
    { id: "r-2" },
    { logger },
  );
  expect((await fetching.response).status).toBe(200);
  expect(seen).toEqual([[{ requestId: "r-2" }, "fetch"]]);
});
