import { doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import type { Behaviour, Scene } from "../behaviour.js";
import { described } from "../described.js";
import type { Misdeed, Outcome } from "../hostile/misdeed.js";
import { misdeeds } from "../hostile/misdeeds.js";
import { settled, until } from "../settled.js";

const expectations: Readonly<Record<Outcome, string>> = {
  clean: "the caller gets all of it",
  status: "the caller gets a status of the host's",
  broken: "the caller's transfer breaks",
  failed: "the caller never takes it for complete",
  either: "the caller's exchange ends",
};

const allowed: Readonly<Record<Outcome, RegExp>> = {
  clean: /^clean$/,
  status: /^status 50[023]$/,
  broken: /^broken$/,
  failed: /^(?:status 50[023]|broken)$/,
  either: /^(?:status 50[023]|broken|clean)$/,
};

/** F3 and F4: what a plugin that breaks the contract does to its callers, and to nobody else. */
export const violationsBehaviours: readonly Behaviour[] = misdeeds.map(
  (misdeed, index): Behaviour => ({
    row: / without end|^cut|^reset/.test(misdeed.name) ? "F3" : "F4",
    name: `${misdeed.name}: ${expectations[misdeed.outcome]}`,
    ...(misdeed.callers !== undefined && { callers: misdeed.callers }),
    notOn: exceptionsOf(misdeed),
    async check(scene) {
      const path = `/plugins/hostile/misdeed/${index}`;
      const { log } = scene.target;
      const logged = log.length;
      const seen = await outcomeAt(scene, path, misdeed.readsLate);
      match(seen, allowed[misdeed.outcome]);
      if (seen !== "clean") {
        await until(() => log.slice(logged).some((line) => line.includes('"plugin":"hostile"')));
      }
      // The exchange or its connection fails, and nothing beyond.
      const { base } = scene.target;
      strictEqual((await described(scene.caller, { path: `${base}/next` })).url, "/next");
      await until(async () => (await outcomeAt(scene, "/plugins/hostile/misdeed/0")) === "clean");
    },
  }),
);

function exceptionsOf(misdeed: Misdeed): NonNullable<Behaviour["notOn"]> {
  const carriers = misdeed.carriers ?? ["stream", "mux"];
  return {
    direct: "there is no contract to break",
    ...(!carriers.includes("stream") && { stream: "only mux has such frames" }),
    ...(!carriers.includes("mux") && { mux: "one RPC is all exchanges there: see the cuts" }),
  };
}

async function outcomeAt(scene: Scene, path: string, readsLate = false): Promise<string> {
  const exchange = scene.caller.open({ path });
  const head = await exchange.head.catch(() => undefined);
  if (head === undefined) {
    return "broken";
  }
  const text = JSON.stringify(head.headers);
  doesNotMatch(text, /evil|secret/);
  if (readsLate) {
    await settled(() => 0);
  }
  const body = await exchange.rest().catch(() => undefined);
  if (body === undefined) {
    return "broken";
  }
  const bodyText = Buffer.from(body).toString("latin1");
  if (head.status !== 200) {
    doesNotMatch(bodyText, /secret|octets of the plugin/);
    return `status ${head.status}`;
  }
  ok(bodyText === "" || bodyText === "octets of the plugin", bodyText);
  return "clean";
}
