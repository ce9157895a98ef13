import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { randomRuns } from "@servehttp/testkit";
import { bodyChunkBytesMax, informationalCountMax } from "./limits.js";
import {
  advanceRequest,
  advanceResponse,
  initialRequestOrder,
  initialResponseOrder,
  isHijacked,
  isRequestOver,
  isResponseOver,
  type RequestOrder,
  type ResponseOrder,
} from "./part-order.js";
import { plainEnd, type RequestInit, type RequestParts, type ResponseParts } from "./parts.js";
import { ServeHTTPError } from "./servehttp-error.js";

/**
 * `SERVEHTTP_FULL=50 npx vitest run packages/contract/src/part-order.test.ts` tries a million
 * sequences.
 */
const parameters = randomRuns(20_000);

const octet = new Uint8Array(1);
const requestInit: RequestInit = {
  method: "GET",
  url: "/",
  requestUri: "/plugins/notes",
  basePath: "/plugins/notes",
  fullPath: false,
  protocol: "HTTP/1.1",
  protocolMajor: 1,
  protocolMinor: 1,
  host: "localhost",
  remoteAddress: "127.0.0.1:1",
  headers: [],
  contentLength: 0,
  deadlineUnixMs: 0,
  requestId: "1",
  context: {},
  scheme: "http",
  expectContinue: false,
  hijackable: true,
};
const responseInit = { status: 200, headers: [] };
const earlyHints = { status: 103, headers: [] };

function request(messages: readonly RequestParts[], hijacked = false): RequestOrder {
  let order = initialRequestOrder;
  for (const parts of messages) {
    order = advanceRequest(order, parts, hijacked);
  }
  return order;
}

function response(messages: readonly ResponseParts[]): ResponseOrder {
  let order = initialResponseOrder;
  for (const parts of messages) {
    order = advanceResponse(order, parts);
  }
  return order;
}

function violation(run: () => unknown): string {
  let thrown: unknown;
  try {
    run();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ServeHTTPError);
  const { code, message } = thrown as ServeHTTPError;
  expect(code).toBe("protocol-violation");
  return message;
}

describe("a request", () => {
  test("is whole in one message", () => {
    expect(request([{ init: requestInit, end: plainEnd }])).toBe("ended");
    expect(request([{ init: requestInit, chunk: octet, end: plainEnd }])).toBe("ended");
  });

  test("is whole part by part", () => {
    const messages = [{ init: requestInit }, { chunk: octet }, { chunk: octet }, { end: plainEnd }];
    expect(request(messages)).toBe("ended");
  });

  test("is over at its end, and where it became a tunnel at that one's end", () => {
    expect(isRequestOver("body", false)).toBe(false);
    expect(isRequestOver("ended", false)).toBe(true);
    expect(isRequestOver("ended", true)).toBe(false);
    expect(isRequestOver("tunnel-ended", true)).toBe(true);
  });

  test("goes on as a tunnel once the response hijacked", () => {
    const messages = [{ init: requestInit, end: plainEnd }, { tunnelChunk: octet }];
    expect(request(messages, true)).toBe("ended");
    expect(request([...messages, { tunnelChunk: octet, tunnelEnd: true }], true)).toBe(
      "tunnel-ended",
    );
    expect(request([{ init: requestInit, end: plainEnd, tunnelChunk: octet }], true)).toBe("ended");
  });

  test.each<[string, RequestParts[], boolean, string]>([
    [
      "two heads",
      [{ init: requestInit }, { init: requestInit }],
      false,
      'request init in state "body": allowed is chunk, end',
    ],
    [
      "a body before the head",
      [{ chunk: octet }],
      false,
      'request chunk in state "unopened": allowed is init',
    ],
    [
      "an end before the head",
      [{ end: plainEnd }],
      false,
      'request end in state "unopened": allowed is init',
    ],
    [
      "body after the end",
      [{ init: requestInit, end: plainEnd }, { chunk: octet }],
      false,
      'request chunk in state "ended": allowed is nothing',
    ],
    [
      "a second end",
      [{ init: requestInit, end: plainEnd }, { end: plainEnd }],
      false,
      'request end in state "ended": allowed is nothing',
    ],
    [
      "a tunnel that nobody opened",
      [{ init: requestInit, end: plainEnd }, { tunnelChunk: octet }],
      false,
      'request tunnelChunk in state "ended": allowed is nothing',
    ],
    [
      "the end of a tunnel that nobody opened",
      [{ init: requestInit, end: plainEnd, tunnelEnd: true }],
      false,
      'request tunnelEnd in state "ended": allowed is nothing',
    ],
    [
      "a tunnel before the end",
      [{ init: requestInit, tunnelChunk: octet }],
      true,
      'request tunnelChunk in state "body": allowed is chunk, end',
    ],
    [
      "body within a tunnel",
      [{ init: requestInit, end: plainEnd }, { chunk: octet }],
      true,
      'request chunk in state "ended": allowed is tunnelChunk, tunnelEnd',
    ],
    [
      "a tunnel after its end",
      [{ init: requestInit, end: plainEnd }, { tunnelEnd: true }, { tunnelChunk: octet }],
      true,
      'request tunnelChunk in state "tunnel-ended": allowed is nothing',
    ],
    [
      "a second end of a tunnel",
      [{ init: requestInit, end: plainEnd }, { tunnelEnd: true }, { tunnelEnd: true }],
      true,
      'request tunnelEnd in state "tunnel-ended": allowed is nothing',
    ],
    ["an empty message", [{}], false, "empty message: a request message without parts"],
    [
      "an empty message in the body",
      [{ init: requestInit }, {}],
      false,
      "empty message: a request message without parts",
    ],
    [
      "an empty chunk",
      [{ init: requestInit, chunk: new Uint8Array(0) }],
      false,
      "request chunk of 0 bytes: allowed are 1 to 65536",
    ],
    [
      "a chunk too long",
      [{ init: requestInit, chunk: new Uint8Array(bodyChunkBytesMax + 1) }],
      false,
      "request chunk of 65537 bytes: allowed are 1 to 65536",
    ],
    [
      "an empty tunnel chunk",
      [{ init: requestInit, end: plainEnd, tunnelChunk: new Uint8Array(0) }],
      true,
      "request tunnelChunk of 0 bytes: allowed are 1 to 65536",
    ],
    [
      "a tunnel chunk too long",
      [{ init: requestInit, end: plainEnd, tunnelChunk: new Uint8Array(bodyChunkBytesMax + 1) }],
      true,
      "request tunnelChunk of 65537 bytes: allowed are 1 to 65536",
    ],
  ])("refuses %s", (_, messages, hijacked, message) => {
    expect(violation(() => request(messages, hijacked))).toBe(message);
  });

  test("takes a chunk of the greatest length", () => {
    expect(request([{ init: requestInit, chunk: new Uint8Array(bodyChunkBytesMax) }])).toBe("body");
  });
});

describe("a response", () => {
  test("is whole in one message", () => {
    expect(response([{ init: responseInit, end: plainEnd }])).toBe("ended");
    expect(response([{ init: responseInit, chunk: octet, flush: true, end: plainEnd }])).toBe(
      "ended",
    );
  });

  test("is whole part by part, with interim responses and flushes", () => {
    const messages = [
      { informational: [earlyHints] },
      { extendHeadMs: 1_000 },
      { informational: [earlyHints, { status: 100, headers: [] }] },
      { init: responseInit },
      { flush: true },
      { chunk: octet, flush: true },
      { chunk: octet },
      { end: plainEnd },
    ] as const;
    expect(response(messages)).toBe("ended");
  });

  test("flushes a head that is in the same message", () => {
    expect(response([{ init: responseInit, flush: true }])).toBe("body");
  });

  test("counts interim responses", () => {
    expect(
      response([{ informational: [earlyHints] }, { informational: [earlyHints, earlyHints] }]),
    ).toBe(3);
    const most = { informational: Array.from({ length: informationalCountMax }, () => earlyHints) };
    expect(response([most])).toBe(informationalCountMax);
    expect(violation(() => response([most, { informational: [earlyHints] }]))).toBe(
      "response informational number 17: allowed are 16 in an exchange",
    );
  });

  test("becomes a tunnel by a hijack", () => {
    expect(response([{ informational: [earlyHints], hijack: true }])).toBe("tunnel");
    expect(
      response([
        { hijack: true, tunnelChunk: octet },
        { tunnelChunk: octet, tunnelEnd: true },
      ]),
    ).toBe("tunnel-ended");
  });

  test("leaves the status of the head to others", () => {
    expect(response([{ init: { status: 99, headers: [] } }])).toBe("body");
  });

  test("says whether it is a tunnel and whether it is over", () => {
    const orders: ResponseOrder[] = [0, 16, "body", "ended", "tunnel", "tunnel-ended"];
    expect(orders.filter(isHijacked)).toEqual(["tunnel", "tunnel-ended"]);
    expect(orders.filter(isResponseOver)).toEqual(["ended", "tunnel-ended"]);
  });

  test.each<[string, ResponseParts[], string]>([
    [
      "two heads",
      [{ init: responseInit }, { init: responseInit }],
      'response init in state "body": allowed is chunk, flush, end',
    ],
    [
      "body before the head",
      [{ chunk: octet }],
      'response chunk in state "unanswered": allowed is informational, init, hijack, extendHeadMs',
    ],
    [
      "an end before the head",
      [{ end: plainEnd }],
      'response end in state "unanswered": allowed is informational, init, hijack, extendHeadMs',
    ],
    [
      "a flush before the head",
      [{ flush: true }],
      'response flush in state "unanswered": allowed is informational, init, hijack, extendHeadMs',
    ],
    [
      "a tunnel without a hijack",
      [{ tunnelChunk: octet }],
      'response tunnelChunk in state "unanswered": allowed is informational, init, hijack, extendHeadMs',
    ],
    [
      "an interim response after the head",
      [{ init: responseInit }, { informational: [earlyHints] }],
      'response informational in state "body": allowed is chunk, flush, end',
    ],
    [
      "body after the end",
      [{ init: responseInit, end: plainEnd }, { chunk: octet }],
      'response chunk in state "ended": allowed is nothing',
    ],
    [
      "a flush after the end",
      [{ init: responseInit, end: plainEnd }, { flush: true }],
      'response flush in state "ended": allowed is nothing',
    ],
    [
      "a second end",
      [{ init: responseInit, end: plainEnd }, { end: plainEnd }],
      'response end in state "ended": allowed is nothing',
    ],
    [
      "a hijack after the head",
      [{ init: responseInit }, { hijack: true }],
      'response hijack in state "body": allowed is chunk, flush, end',
    ],
    [
      "a hijack beside the head",
      [{ init: responseInit, hijack: true }],
      'response hijack in state "body": allowed is chunk, flush, end',
    ],
    [
      "a head after a hijack",
      [{ hijack: true }, { init: responseInit }],
      'response init in state "tunnel": allowed is tunnelChunk, tunnelEnd',
    ],
    [
      "body within a tunnel",
      [{ hijack: true }, { chunk: octet }],
      'response chunk in state "tunnel": allowed is tunnelChunk, tunnelEnd',
    ],
    [
      "an end within a tunnel",
      [{ hijack: true }, { end: plainEnd }],
      'response end in state "tunnel": allowed is tunnelChunk, tunnelEnd',
    ],
    [
      "a tunnel after its end",
      [{ hijack: true, tunnelEnd: true }, { tunnelChunk: octet }],
      'response tunnelChunk in state "tunnel-ended": allowed is nothing',
    ],
    [
      "a tunnel's end in a body",
      [{ init: responseInit }, { tunnelEnd: true }],
      'response tunnelEnd in state "body": allowed is chunk, flush, end',
    ],
    [
      "more time for a head that was sent",
      [{ init: responseInit, extendHeadMs: 1 }],
      'response extendHeadMs in state "body": allowed is chunk, flush, end',
    ],
    [
      "more time for a head after a hijack",
      [{ hijack: true }, { extendHeadMs: 1 }],
      'response extendHeadMs in state "tunnel": allowed is tunnelChunk, tunnelEnd',
    ],
    [
      "an interim 101",
      [{ informational: [{ status: 101, headers: [] }] }],
      "response informational of status 101: allowed are 100 and 102 to 199",
    ],
    [
      "an interim 200",
      [{ informational: [earlyHints, { status: 200, headers: [] }] }],
      "response informational of status 200: allowed are 100 and 102 to 199",
    ],
    [
      "an interim 99",
      [{ informational: [{ status: 99, headers: [] }] }],
      "response informational of status 99: allowed are 100 and 102 to 199",
    ],
    [
      "an interim status that is no number",
      [{ informational: [{ status: Number.NaN, headers: [] }] }],
      "response informational of status NaN: allowed are 100 and 102 to 199",
    ],
    ["an empty message", [{}], "empty message: a response message without parts"],
    [
      "an empty message in the body",
      [{ init: responseInit }, {}],
      "empty message: a response message without parts",
    ],
    [
      "a list of no interim responses",
      [{ informational: [] }],
      "empty message: a response message without parts",
    ],
    [
      "an empty chunk",
      [{ init: responseInit, chunk: new Uint8Array(0) }],
      "response chunk of 0 bytes: allowed are 1 to 65536",
    ],
    [
      "a chunk too long",
      [{ init: responseInit, chunk: new Uint8Array(bodyChunkBytesMax + 1) }],
      "response chunk of 65537 bytes: allowed are 1 to 65536",
    ],
    [
      "an empty tunnel chunk",
      [{ hijack: true, tunnelChunk: new Uint8Array(0) }],
      "response tunnelChunk of 0 bytes: allowed are 1 to 65536",
    ],
  ])("refuses %s", (_, messages, message) => {
    expect(violation(() => response(messages))).toBe(message);
  });
});

/*
 * The model knows nothing of states. It writes the whole history down as one letter for each part
 * and asks a regular expression, taken from the grammar at the head of exchange.proto, whether
 * anything could still follow.
 */
const requestLetters = {
  init: "i",
  chunk: "c",
  end: "e",
  tunnelChunk: "t",
  tunnelEnd: "x",
} as const;
const responseLetters = {
  init: "i",
  hijack: "h",
  chunk: "c",
  flush: "f",
  end: "e",
  tunnelChunk: "t",
  tunnelEnd: "x",
  extendHeadMs: "m",
} as const;

const requestPrefix = /^(ic*(et*x?)?)?$/;
const plainRequestPrefix = /^(ic*e?)?$/;
const responsePrefix = /^[nm]*(i[cf]*e?|ht*x?)?$/;

function requestHistory(parts: RequestParts): string {
  let letters = "";
  for (const name of Object.keys(requestLetters) as (keyof typeof requestLetters)[]) {
    if (parts[name] !== undefined) {
      letters += requestLetters[name];
    }
  }
  return letters;
}

function responseHistory(parts: ResponseParts): string {
  let letters = "n".repeat(parts.informational?.length ?? 0);
  for (const name of Object.keys(responseLetters) as (keyof typeof responseLetters)[]) {
    if (parts[name] !== undefined) {
      letters += responseLetters[name];
    }
  }
  return letters;
}

const anyRequestParts: fc.Arbitrary<RequestParts> = fc.record(
  {
    init: fc.constant(requestInit),
    chunk: fc.constant(octet),
    end: fc.constant(plainEnd),
    tunnelChunk: fc.constant(octet),
    tunnelEnd: fc.constant(true as const),
  },
  { requiredKeys: [] },
);

const anyResponseParts: fc.Arbitrary<ResponseParts> = fc.record(
  {
    informational: fc.array(fc.constant(earlyHints), { maxLength: 6 }),
    init: fc.constant(responseInit),
    hijack: fc.constant(true as const),
    chunk: fc.constant(octet),
    flush: fc.constant(true as const),
    end: fc.constant(plainEnd),
    tunnelChunk: fc.constant(octet),
    tunnelEnd: fc.constant(true as const),
    extendHeadMs: fc.nat(),
  },
  { requiredKeys: [] },
);

/** One part a message, so that long runs are frequent. */
const oneRequestPart: fc.Arbitrary<RequestParts> = fc.constantFrom<RequestParts>(
  { init: requestInit },
  { chunk: octet },
  { end: plainEnd },
  { tunnelChunk: octet },
  { tunnelEnd: true },
);

const oneResponsePart: fc.Arbitrary<ResponseParts> = fc.constantFrom<ResponseParts>(
  { informational: [earlyHints] },
  { init: responseInit },
  { hijack: true },
  { chunk: octet },
  { flush: true },
  { end: plainEnd },
  { tunnelChunk: octet },
  { tunnelEnd: true },
  { extendHeadMs: 1 },
);

describe("against a model that is a grammar", { timeout: 30_000 + parameters.numRuns }, () => {
  test("requests are let through and refused alike", () => {
    const message = fc.oneof(anyRequestParts, oneRequestPart);
    fc.assert(
      fc.property(fc.array(message, { maxLength: 12 }), fc.boolean(), (messages, hijacked) => {
        const allowed = hijacked ? requestPrefix : plainRequestPrefix;
        let order = initialRequestOrder;
        let history = "";
        for (const parts of messages) {
          const added = requestHistory(parts);
          if (added === "" || !allowed.test(history + added)) {
            // What was refused leaves no trace: the sequence goes on from where it was.
            violation(() => advanceRequest(order, parts, hijacked));
            continue;
          }
          order = advanceRequest(order, parts, hijacked);
          history += added;
        }
        expect(isRequestOver(order, hijacked)).toBe(history.endsWith(hijacked ? "x" : "e"));
      }),
      parameters,
    );
  });

  test("responses are let through and refused alike", () => {
    const message = fc.oneof(anyResponseParts, oneResponsePart);
    fc.assert(
      fc.property(fc.array(message, { maxLength: 12 }), (messages) => {
        let order = initialResponseOrder;
        let history = "";
        for (const parts of messages) {
          const added = responseHistory(parts);
          const next = history + added;
          const interimCount = next.split("n").length - 1;
          if (added === "" || !responsePrefix.test(next) || interimCount > informationalCountMax) {
            violation(() => advanceResponse(order, parts));
            continue;
          }
          order = advanceResponse(order, parts);
          history = next;
        }
        expect(isResponseOver(order)).toBe(/[ex]$/.test(history));
        expect(isHijacked(order)).toBe(history.includes("h"));
      }),
      parameters,
    );
  });
});
