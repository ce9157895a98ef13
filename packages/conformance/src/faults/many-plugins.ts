import { availableParallelism } from "node:os";
import { startBusyProcesses } from "@servehttp/testkit";
import { call, Http1Client } from "servehttp-conformance/testing";
import { seededSha256, sha256 } from "../seeded-bytes.js";
import { faultPlugin, RunningHost } from "./running-host.js";
import { exactly, none, type RunSettings, type Scenario, told } from "./scenario.js";

const bodyBytes = 100_000;

export const manyPlugins: Scenario = {
  name: "many-plugins",
  about: "many plugins started at once, while every processor is busy with something else (H4)",
  counts: "plugins",
  count: 50,
  async run({ count, seed, carrier, progress }: RunSettings) {
    const busyCount = availableParallelism();
    using _busy = startBusyProcesses(busyCount);
    const ids = Array.from({ length: count }, (_, at) => `p${at}`);
    const plugins = Object.fromEntries(ids.map((id) => [id, faultPlugin("good", carrier)]));
    await using host = await RunningHost.spawn({ plugins });
    progress(`${count} plugins start`);
    const beganMs = performance.now();
    const statuses = await host.tell({ name: "start" });
    const seconds = (performance.now() - beganMs) / 1_000;
    using client = new Http1Client(host.http1Port);
    const wanted = seededSha256(String(seed), bodyBytes);
    const answers = await Promise.all(
      ids.map(async (id) => {
        const path = `/plugins/${id}/bytes?seed=${seed}&size=${bodyBytes}`;
        const { status, body } = await call(client, { path });
        return status === 200 && sha256(body) === wanted;
      }),
    );
    return [
      exactly("ready", statuses.filter(({ state }) => state === "ready").length, count),
      exactly("answered with the right bytes", answers.filter(Boolean).length, count),
      none(
        "killed or failed",
        statuses.flatMap(({ failures }) => failures.map(({ message }) => message)),
      ),
      none("started a second time", statuses.filter(({ restarts }) => restarts > 0).length),
      told(`all ready, beside ${busyCount} busy processes`, `${seconds.toFixed(1)} s`),
    ];
  },
};
