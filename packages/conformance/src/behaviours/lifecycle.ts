import { ok, strictEqual } from "node:assert/strict";
import type { Behaviour } from "../behaviour.js";
import { described } from "../described.js";

export const lifecycleBehaviours: readonly Behaviour[] = [
  {
    row: "L1",
    name: "a spawned plugin serves from the first request on, in a process of its own",
    notOn: { direct: "nothing is spawned" },
    async check({ caller, target }) {
      strictEqual((await described(caller, { path: `${target.base}/first` })).url, "/first");
      const [front, plugin] = await Promise.all([target.front(), target.plugin()]);
      ok(front.pid !== plugin.pid);
    },
  },
];
