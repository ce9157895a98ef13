import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  comparableName,
  fieldOverheadBytes,
  fieldProblem,
  forbiddenTrailerNames,
  hopByHopNames,
  isFieldValue,
  isForbiddenTrailer,
  isReasonPhrase,
  isToken,
  trimFieldValue,
} from "./header-fields.js";
import { fieldCountMax, fieldNameBytesMax, fieldSectionBytesMax } from "./limits.js";

const everyCharacter = Array.from({ length: 0x120 }, (_, code) => String.fromCharCode(code));

describe("isToken", () => {
  test("allows the characters of RFC 9110, section 5.6.2, and no other", () => {
    const allowed = everyCharacter.filter((character) => isToken(character)).join("");
    expect(allowed).toBe(
      "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~",
    );
  });

  test("looks at every character, and at none where there is none", () => {
    expect(isToken("X-Request-Id")).toBe(true);
    expect(isToken("")).toBe(false);
    expect(isToken("a b")).toBe(false);
    expect(isToken("a:")).toBe(false);
    expect(isToken("\u{1f600}")).toBe(false);
  });
});

describe("isFieldValue", () => {
  test("allows tab, space and Latin-1 without control characters", () => {
    const refused = everyCharacter.filter((character) => !isFieldValue(`a${character}b`));
    const controls = everyCharacter.filter(
      (character) => (character < " " && character !== "\t") || character === "\x7f",
    );
    expect(refused).toEqual([...controls, ...everyCharacter.slice(0x100)]);
  });

  test("allows the empty value and raw bytes", () => {
    expect(isFieldValue("")).toBe(true);
    expect(isFieldValue("caf\xe9")).toBe(true);
    expect(isFieldValue("\x80\xff")).toBe(true);
  });

  test.each([" a", "a ", "\ta", "a\t", " ", "a\r\n", "\r\nX-Evil: 1", "a\0", "\u{1f600}"])(
    "refuses %j",
    (value) => {
      expect(isFieldValue(value)).toBe(false);
    },
  );
});

describe("isReasonPhrase", () => {
  test.each(["OK", "No such caf\xe9", " a\tb ", "x".repeat(256)])("allows %j", (reason) => {
    expect(isReasonPhrase(reason)).toBe(true);
  });

  test.each(["", "a\r\n", "a\nb", "\0", "\x7f", "\u010a", "x".repeat(257)])(
    "refuses %j",
    (reason) => {
      expect(isReasonPhrase(reason)).toBe(false);
    },
  );
});

describe("trimFieldValue", () => {
  test.each([
    ["", ""],
    ["  ", ""],
    ["a", "a"],
    [" \ta b\t ", "a b"],
    ["a\r\n", "a\r\n"],
    ["a\n ", "a\n"],
    ["\xa0a", "\xa0a"],
  ])("makes %j of %j", (given, expected) => {
    expect(trimFieldValue(given)).toBe(expected);
  });

  test("makes every text of allowed characters a field value", () => {
    const allowed = everyCharacter.filter((character) => isFieldValue(`a${character}b`));
    const text = fc.string({ unit: fc.constantFrom(" ", "\t", ...allowed) });
    fc.assert(
      fc.property(text, (value) => {
        expect(isFieldValue(trimFieldValue(value))).toBe(true);
      }),
    );
  });
});

describe("fieldProblem", () => {
  test("finds none in good fields", () => {
    expect(fieldProblem([])).toBeUndefined();
    expect(fieldProblem(["Cookie", "a=1", "cookie", "b=2", "X-Empty", ""])).toBeUndefined();
  });

  test.each<[string[], string]>([
    [["a", "1", "b"], "a header field without a value"],
    [["", "1"], 'header field name "": allowed are 1 to 256 token characters'],
    [["ok", "1", "a b", "1"], 'header field name "a b": allowed are 1 to 256 token characters'],
    [["a\r\nb", "1"], 'header field name "a\\r\\nb": allowed are 1 to 256 token characters'],
    [
      ["ok", "1", "Bad", "secret\n"],
      'header field "Bad": its value holds a character that no field value may hold',
    ],
    [["Blank", " 1"], 'header field "Blank": its value begins or ends with white space'],
  ])("says what is wrong with %j", (fields, problem) => {
    expect(fieldProblem(fields)).toBe(problem);
  });

  test("holds names to their length", () => {
    expect(fieldProblem(["x".repeat(fieldNameBytesMax), "1"])).toBeUndefined();
    const problem = fieldProblem(["x".repeat(fieldNameBytesMax + 1), "1"]);
    expect(problem).toBe(
      `header field name "${"x".repeat(64)}…": allowed are 1 to 256 token characters`,
    );
  });

  test("holds lists to their number", () => {
    const most = Array.from({ length: fieldCountMax }, () => ["a", "1"]).flat();
    expect(fieldProblem(most)).toBeUndefined();
    expect(fieldProblem([...most, "a", "1"])).toBe("1001 header fields: allowed are 1000");
  });

  test("holds lists to their size on the wire", () => {
    const most = ["a", "v".repeat(fieldSectionBytesMax - 1 - fieldOverheadBytes)];
    expect(fieldProblem(most)).toBeUndefined();
    expect(fieldProblem(["ab", most[1] as string])).toBe(
      "131073 bytes of header fields: allowed are 131072",
    );
  });
});

describe("comparableName", () => {
  test("ignores letter case, and - and _ are the same", () => {
    for (const name of ["x-user-id", "X-User-Id", "X_User_Id", "x_USER-id"]) {
      expect(comparableName(name)).toBe("x-user-id");
    }
    expect(comparableName("")).toBe("");
  });

  test("is idempotent, and what it says of tokens is what lower case and replacement say", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii" }), (name) => {
        const comparable = comparableName(name);
        expect(comparable).toBe(name.toLowerCase().replaceAll("_", "-"));
        expect(comparableName(comparable)).toBe(comparable);
      }),
    );
  });
});

describe("the lists of names", () => {
  test("are comparable tokens", () => {
    for (const name of [...hopByHopNames, ...forbiddenTrailerNames]) {
      expect(isToken(name)).toBe(true);
      expect(comparableName(name)).toBe(name);
    }
  });

  test("take out what concerns one connection", () => {
    for (const name of [
      "Connection",
      "Keep-Alive",
      "TE",
      "Trailer",
      "Transfer-Encoding",
      "Upgrade",
      "Proxy-Connection",
      "HTTP2-Settings",
    ]) {
      expect(hopByHopNames.has(comparableName(name))).toBe(true);
    }
    expect(hopByHopNames.has("content-length")).toBe(false);
  });

  test("forbid trailers that frame, route, authenticate or control, whatever their spelling", () => {
    for (const name of [
      "Content-Length",
      "content_length",
      "Host",
      "Transfer-Encoding",
      "Authorization",
      "Set-Cookie",
      "cookie",
      "Content-Type",
      "Cache-Control",
      "If-None-Match",
      "IF_MATCH",
      "X_Forwarded_For",
    ]) {
      expect(isForbiddenTrailer(name)).toBe(true);
    }
    for (const name of [
      "Digest",
      "Content-Digest",
      "Server-Timing",
      "ETag",
      "grpc-status",
      "X-Sum",
      "Iffy",
    ]) {
      expect(isForbiddenTrailer(name)).toBe(false);
    }
  });
});
