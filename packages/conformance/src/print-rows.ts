import type { Behaviour, TestClientName } from "./behaviour.js";
import type { TargetName } from "./targets/target-names.js";
import { exceptionOf } from "./behaviour.js";
import { behaviours } from "./behaviours/index.js";

/**
 * Prints a line for each row and target: how many tests pin it there, and each test that is not run
 * or must fail there, with the reason. What hosts do with plugins that break the contract (F3, F4) is
 * in the checks of `servehttp-conformance`.
 */
const targets: readonly TargetName[] = ["direct", "stream", "mux"];

for (const row of [...new Set(behaviours.map((one) => one.row))].toSorted(byRow)) {
  const ofRow = behaviours.filter((one) => one.row === row);
  for (const target of targets) {
    const tests = ofRow.flatMap((one) => testsOf(one, target));
    const held = tests.filter((test) => test.kind === "holds").length;
    const reasons = tests.flatMap((test) => (test.kind === "holds" ? [] : [test.reason]));
    console.log(`${row.padEnd(4)} ${target.padEnd(7)} ${held} tests${listOf(reasons)}`);
  }
}

function testsOf(
  behaviour: Behaviour,
  target: TargetName,
): ({ kind: "holds" } | { kind: "exception"; reason: string })[] {
  const clients: readonly TestClientName[] = behaviour.clients ?? ["http1", "http2"];
  return clients.map((client) => {
    const not = exceptionOf(behaviour.notOn, target, client);
    const fails = exceptionOf(behaviour.failsOn, target, client);
    if (not !== undefined) {
      return { kind: "exception", reason: `not shown (${client}): ${not}` };
    }
    return fails === undefined
      ? { kind: "holds" }
      : { kind: "exception", reason: `known to fail (${client}): ${fails}` };
  });
}

function listOf(reasons: readonly string[]): string {
  const counted = [...new Set(reasons)].map(
    (reason) => `\n       ${reasons.filter((one) => one === reason).length} ${reason}`,
  );
  return counted.join("");
}

function byRow(one: string, other: string): number {
  const order = "REQPDFTL";
  const letters = order.indexOf(one.charAt(0)) - order.indexOf(other.charAt(0));
  return letters === 0 ? Number(one.slice(1)) - Number(other.slice(1)) : letters;
}
