import type { RunningHost } from "./running-host.js";
import type { Tally } from "./tally.js";

/** Prints what became of a run. Returns whether it was as it must be. */
export function printReport(host: RunningHost, tally: Tally): boolean {
  console.table(
    Object.fromEntries(
      Array.from(tally.kinds, ([kind, counts]) => {
        const { right, left, lost, wrong, killed } = counts;
        const millis = counts.millis.toSorted((one, other) => one - other);
        const [p50, p99] = [percentile(millis, 0.5), percentile(millis, 0.99)];
        return [
          kind,
          { right, left, lost, wrong, "with SIGKILL": killed, "p50 ms": p50, "p99 ms": p99 },
        ];
      }),
    ),
  );
  print("failures", tally.reasons);
  print("the host's warnings and errors", host.log);
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const sent = host.signals.filter((one) => one.signal === signal);
    console.log(`${signal} to plugins by this run: ${sent.length}`);
  }
  for (const { plugin, pid, atMs } of host.unaskedEnds) {
    console.log(
      `${plugin}: process ${pid} ended unasked, ${Math.round(atMs / 1_000)} s from the start`,
    );
  }
  const all = [...tally.kinds.values()];
  const lost = all.reduce((sum, counts) => sum + counts.lost, 0);
  const wrong = all.reduce((sum, counts) => sum + counts.wrong, 0);
  const kills = host.unaskedEnds.length;
  const idle = all.filter(({ right, left }) => right + left === 0).length;
  const terminated = host.signals.some(({ signal }) => signal === "SIGTERM");
  const good = lost + wrong + kills + idle === 0 && terminated && !host.gone.aborted;
  console.log(
    `${good ? "PASSED" : "FAILED"}: ${kills} kills by health, ${lost} responses lost, ${wrong} with wrong bytes`,
  );
  return good;
}

function print(title: string, counts: ReadonlyMap<string, number>): void {
  if (counts.size > 0) {
    console.log(`${title}:`);
    for (const [text, count] of [...counts]
      .toSorted((one, other) => other[1] - one[1])
      .slice(0, 25)) {
      console.log(`  ${count} × ${text}`);
    }
  }
}

function percentile(sorted: readonly number[], part: number): number {
  return Math.round(sorted[Math.floor(sorted.length * part)] ?? Number.NaN);
}
