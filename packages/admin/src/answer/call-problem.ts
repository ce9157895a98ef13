import { STATUS_CODES } from "node:http";
import type { Problem, ProblemCode } from "../api/problem.js";

const statuses: Readonly<Record<ProblemCode, number>> = {
  "bad-request": 400,
  unauthorized: 401,
  forbidden: 403,
  "unknown-path": 404,
  "unknown-plugin": 404,
  "unknown-exchange": 404,
  "method-not-allowed": 405,
  "wrong-state": 409,
  internal: 500,
  "not-supported": 501,
  "plugin-failed": 502,
  "too-many-streams": 503,
};

/** Ends a call: what was wrong with it, and what to do. */
export class CallProblem extends Error {
  override readonly name = "CallProblem";
  readonly body: Problem;
  /** Pairs of name and value that go with it. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ProblemCode,
    detail: string,
    more: Pick<Problem, "plugins" | "stderr"> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
    const status = statuses[code];
    const title = STATUS_CODES[status] ?? "";
    this.body = { type: "about:blank", title, status, code, detail, ...more };
    this.headers = headers;
  }

  /** Makes one of anything thrown. What is no problem is a defect of the admin's. */
  static from(thrown: unknown): CallProblem {
    return thrown instanceof CallProblem
      ? thrown
      : new CallProblem("internal", "the admin failed; the host's log says more");
  }
}
