import { expect, it } from "vitest";
import { sameTroubleMs } from "./limits.js";
import { TroubleLog } from "./trouble-log.js";

it("says the same trouble rarely, another at once, and that it is over once", () => {
  let nowMs = 0;
  const said: string[] = [];
  const write = (_details: object, message: string) => void said.push(message);
  const log = new TroubleLog({ info: write, warn: write, error: write }, {}, () => nowMs);
  log.over(() => "well");
  log.say("gone", "gone 1");
  log.say("gone", "gone 2");
  log.say("403", "refused");
  log.over(() => "well again");
  log.over(() => "well again");
  log.say("gone", "gone 3");
  log.over(() => "and again");
  nowMs = sameTroubleMs;
  log.say("gone", "gone 4");
  expect(said).toEqual(["gone 1", "refused", "well again", "gone 4"]);
});
