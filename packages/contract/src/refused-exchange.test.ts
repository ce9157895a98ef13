import { expect, test } from "vitest";
import type { Unsent } from "./exchange-channel.js";
import { plainEnd } from "./parts.js";
import { RefusedExchange } from "./refused-exchange.js";
import { ServeHTTPError } from "./servehttp-error.js";

const error = new ServeHTTPError("unavailable", "it goes");

test("an exchange that can't be opened is given back once, with all that was sent in its first turn", async () => {
  const { aborts, channel } = refused();
  channel.send({ chunk: Buffer.from("one") });
  channel.send({ end: plainEnd });
  expect(aborts).toEqual([]);
  await Promise.resolve();
  expect(aborts).toEqual([[error, [{ chunk: Buffer.from("one") }, { end: plainEnd }]]]);
  channel.send({ end: plainEnd });
  expect(aborts[0]?.[1]).toHaveLength(2);
});

test("one that is given up before is not given back", async () => {
  const { aborts, channel } = refused();
  channel.reset();
  await Promise.resolve();
  expect(aborts).toEqual([]);
});

function refused() {
  const aborts: [ServeHTTPError, Unsent | undefined][] = [];
  const channel = new RefusedExchange(
    { receive: () => undefined, abort: (why, unsent) => void aborts.push([why, unsent]) },
    error,
  );
  return { aborts, channel };
}
