import { type Call, type CallId, calls } from "../api/calls.js";
import { CallProblem } from "../answer/call-problem.js";

/** A call that somebody makes, as far as its path says. */
export interface FoundCall {
  readonly id: CallId;
  readonly call: Call;
  /** The values in place of `{name}`. */
  readonly parameters: Readonly<Record<string, string>>;
}

const patterns = Object.entries(calls).map(([id, call]) => ({
  id: id as CallId,
  call: call as Call,
  names: Array.from(call.path.matchAll(/\{(\w+)\}/g), ([, name = ""]) => name),
  path: new RegExp(
    `^${call.path.replaceAll(/[.]/g, String.raw`\.`).replaceAll(/\{\w+\}/g, "([^/]+)")}$`,
  ),
}));

/**
 * Finds the call of a method and a path. HEAD is GET without its body, but for streams, which have no
 * end.
 *
 * @throws CallProblem where there is none
 */
export function findCall(method: string, path: string): FoundCall {
  const atPath = patterns.filter((pattern) => pattern.path.test(path));
  const found = atPath.find(({ call }) =>
    method === "HEAD"
      ? call.method === "get" && !call.answers.some(({ type }) => type === "text/event-stream")
      : call.method === method.toLowerCase(),
  );
  if (found === undefined) {
    if (atPath.length === 0) {
      const detail = `there is no ${path} here; /api/openapi.json has what there is`;
      throw new CallProblem("unknown-path", detail);
    }
    const allowed = atPath.map(({ call }) => call.method.toUpperCase()).join(", ");
    const detail = `${method} is not for ${path}, but ${allowed}`;
    throw new CallProblem("method-not-allowed", detail, {}, { allow: allowed });
  }
  const values = found.path.exec(path)?.slice(1) ?? [];
  const parameters = Object.fromEntries(
    found.names.map((name, index) => [name, decoded(values[index] ?? "")]),
  );
  return { id: found.id, call: found.call, parameters };
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new CallProblem("bad-request", `${value} in the path is no percent-encoded UTF-8`);
  }
}
