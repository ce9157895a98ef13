import type { z } from "zod";
import { requestBodyBytesMax } from "../limits.js";
import { CallProblem } from "./call-problem.js";
import type { AdminRequest } from "./node-types.js";

/**
 * Reads the body of a request as JSON; what middleware has read before is taken as it is.
 *
 * @throws CallProblem for a body that is not what the schema says
 */
export async function readBody<Body>(
  request: AdminRequest,
  schema: z.ZodType<Body>,
): Promise<Body> {
  const type = request.headers["content-type"] ?? "";
  if (!/^application\/json\b/i.test(type)) {
    throw new CallProblem("bad-request", "the body has to be JSON: content-type: application/json");
  }
  const given = request.body === undefined ? parsed(await textOf(request)) : request.body;
  const checked = schema.safeParse(given);
  if (!checked.success) {
    throw new CallProblem("bad-request", issueText(checked.error, "the body"));
  }
  return checked.data;
}

/** The first problem that zod has found, with where it is. */
export function issueText({ issues: [issue] }: z.ZodError, where: string): string {
  const path = issue?.path.join(".");
  return `${path === undefined || path === "" ? where : path}: ${issue?.message ?? "not allowed"}`;
}

async function textOf(request: AdminRequest): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > requestBodyBytesMax) {
      throw new CallProblem("bad-request", `the body has more than ${requestBodyBytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new CallProblem("bad-request", "the body is no JSON");
  }
}
