import type { ServedExchange } from "../served/served-exchange.js";
import type { ResponsePartsToWrite } from "../wire/messages.js";

/** A head of that status, with fields. */
export function head(
  status = 200,
  fields: readonly (readonly [string, string])[] = [],
): NonNullable<ResponsePartsToWrite["init"]> {
  return { status, headers: fields.map(([name, value]) => field(name, value)) };
}

/** A field of the contract. */
export function field(name: string, ...values: string[]): { name: string; values: Buffer[] } {
  return { name, values: values.map((value) => Buffer.from(value, "latin1")) };
}

/** Answers with a whole response. */
export async function answer(served: ServedExchange, status = 200, text = "ok"): Promise<void> {
  const chunk = text === "" ? {} : { chunk: Buffer.from(text, "latin1") };
  await served.send({ init: head(status), ...chunk, end: {} });
}

/** Sends a body in chunks, as fast as the host takes it. */
export async function sendBody(
  served: ServedExchange,
  body: Uint8Array,
  chunkBytes = 65_536,
): Promise<void> {
  for (let at = 0; at < body.length; at += chunkBytes) {
    await served.send({ chunk: body.subarray(at, at + chunkBytes) });
  }
}

/** The values of a name in a field list of the contract, in order. */
export function fieldValues(
  fields: readonly { readonly name: string; readonly values: readonly Uint8Array[] }[],
  name: string,
): readonly string[] {
  return fields
    .filter((one) => one.name.toLowerCase() === name)
    .flatMap(({ values }) => values.map((value) => Buffer.from(value).toString("latin1")));
}
