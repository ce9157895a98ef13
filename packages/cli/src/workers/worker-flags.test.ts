import { expect, it } from "vitest";
import { workerFlags } from "./worker-process.js";

it("keeps the young generation of a worker small", () => {
  expect(workerFlags(["--enable-source-maps"], "")).toEqual([
    "--enable-source-maps",
    "--max-semi-space-size=1",
  ]);
});

it.each([
  [["--max-semi-space-size=16"], ""],
  [["--max_semi_space_size=16"], ""],
  [["--scavenger-max-new-space-capacity-mb=1"], ""],
  [[], "--inspect --max-semi-space-size=32"],
])("leaves it to %j and NODE_OPTIONS=%j where they say how large it is", (own, nodeOptions) => {
  expect(workerFlags(own, nodeOptions)).toEqual(own);
});
