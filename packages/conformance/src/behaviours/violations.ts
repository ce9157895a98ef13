import { doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import type { Behaviour, Scene } from "../behaviour.js";
import { described } from "../described.js";
import type { Violation, Outcome } from "../hostile/violation.js";
import { violations } from "../hostile/violations.js";
import { settled, until } from "../settled.js";

const expectations: Readonly<Record<Outcome, string>> = {
  clean: "the client gets all of it",
  status: "the client gets a status of the host's",
  broken: "the client's transfer breaks",
  failed: "the client never takes it for complete",
  either: "the client's exchange ends",
};

const allowed: Readonly<Record<Outcome, RegExp>> = {
  clean: /^clean$/,
  status: /^status 50[023]$/,
  broken: /^broken$/,
  failed: /^(?:status 50[023]|broken)$/,
  either: /^(?:status 50[023]|broken|clean)$/,
};

/** F3 and F4: a plugin that breaks the contract harms its own clients only. */
export const violationsBehaviours: readonly Behaviour[] = violations.map(
  (violation, index): Behaviour => ({
    row: / without end|^cut|^reset/.test(violation.name) ? "F3" : "F4",
    name: `${violation.name}: ${expectations[violation.outcome]}`,
    ...(violation.clients !== undefined && { clients: violation.clients }),
    notOn: exceptionsOf(violation),
    async check(scene) {
      const path = `/plugins/hostile/violation/${index}`;
      const { log } = scene.target;
      const logged = log.length;
      const seen = await outcomeAt(scene, path, violation.readsLate);
      match(seen, allowed[violation.outcome]);
      if (seen !== "clean") {
        await until(() => log.slice(logged).some((line) => line.includes('"plugin":"hostile"')));
      }
      // The exchange or its connection fails, and nothing else.
      const { base } = scene.target;
      strictEqual((await described(scene.client, { path: `${base}/next` })).url, "/next");
      await until(async () => (await outcomeAt(scene, "/plugins/hostile/violation/0")) === "clean");
    },
  }),
);

function exceptionsOf(violation: Violation): NonNullable<Behaviour["notOn"]> {
  const carriers = violation.carriers ?? ["stream", "mux"];
  return {
    direct: "there is no contract to break",
    ...(!carriers.includes("stream") && { stream: "only mux has such frames" }),
    ...(!carriers.includes("mux") && { mux: "one RPC is all exchanges there: see the cuts" }),
  };
}

async function outcomeAt(scene: Scene, path: string, readsLate = false): Promise<string> {
  const exchange = scene.client.open({ path });
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
    doesNotMatch(bodyText, /secret|bytes of the plugin/);
    return `status ${head.status}`;
  }
  ok(bodyText === "" || bodyText === "bytes of the plugin", bodyText);
  return "clean";
}
