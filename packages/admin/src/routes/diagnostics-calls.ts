import type { ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { ServeHTTPError } from "@servehttp/host-bridge";
import { sendHead } from "../answer/answer.js";
import { CallProblem } from "../answer/call-problem.js";
import { type AdminContext, type CallInput, knownPlugin } from "./call-context.js";

/** How long a profile is to take. */
interface ProfileQuery {
  readonly seconds: number;
}

/** @throws CallProblem where the plugin has nothing to give now */
export async function takeHeapSnapshot(context: AdminContext, input: CallInput): Promise<void> {
  await sendFile(context, input, "heapsnapshot", (id, signal) =>
    context.host.heapSnapshot(id, { signal }),
  );
}

/** The same. */
export async function takeCpuProfile(
  context: AdminContext,
  input: CallInput<ProfileQuery>,
): Promise<void> {
  const { seconds } = input.query;
  await sendFile(context, input, "cpuprofile", (id, signal) =>
    context.host.cpuProfile(id, seconds * 1_000, { signal }),
  );
}

/** Sends a file as it comes. A client that leaves ends what makes it. */
async function sendFile(
  context: AdminContext,
  { parameters, response }: CallInput,
  type: string,
  chunksOf: (id: string, signal: AbortSignal) => AsyncIterable<Uint8Array>,
): Promise<void> {
  const { id, pid } = knownPlugin(context, parameters["id"]);
  const left = new AbortController();
  response.once("close", () => left.abort(new Error("the client has left")));
  const chunks = chunksOf(id, left.signal)[Symbol.asyncIterator]();
  let first: IteratorResult<Uint8Array>;
  try {
    first = await chunks.next();
  } catch (thrown) {
    throw problemOf(thrown);
  }
  sendHead(response, 200, {
    "content-type": "application/octet-stream",
    "content-disposition": `attachment; filename="${id}${pid === undefined ? "" : `-${pid}`}.${type}"`,
  });
  // HTTP/2's response is written as that of HTTP/1 is, but not to the compiler.
  await pipeline(behind(first, chunks), response as ServerResponse).catch(() => {
    // The client has left, or the plugin is gone. The file is cut off, and the client sees that.
  });
}

async function* behind(
  first: IteratorResult<Uint8Array>,
  rest: AsyncIterator<Uint8Array>,
): AsyncIterable<Uint8Array> {
  try {
    for (let next = first; next.done !== true; next = await rest.next()) {
      yield next.value;
    }
  } finally {
    await rest.return?.();
  }
}

function problemOf(thrown: unknown): CallProblem {
  const { code, message } = ServeHTTPError.from(thrown);
  switch (code) {
    case "invalid-argument":
      return new CallProblem("not-supported", message);
    case "unavailable":
    case "overload":
      return new CallProblem("wrong-state", message);
    default:
      return new CallProblem("plugin-failed", message);
  }
}
