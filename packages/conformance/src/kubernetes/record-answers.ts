import { writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { EndpointSlices, terminating } from "./endpoint-slices.js";
import type { TestCluster } from "./test-cluster.js";

/** How long the watch is read, in milliseconds: the API server sends a bookmark each minute. */
const watchMs = 90_000;

/**
 * Writes down what the API server answers, for the tests of `@servehttp/kubernetes`: a list, a watch
 * with a bookmark, a version that is too old, and refusals.
 *
 * @param stranger a token that may do nothing
 */
export async function recordAnswers(
  cluster: TestCluster,
  stranger: string,
  file: string,
): Promise<void> {
  await cluster.ask("POST", "/api/v1/namespaces", { metadata: { name: "recorded" } });
  const slices = new EndpointSlices(cluster, "recorded");
  const [one, two, three] = ["10.1.0.1", "10.1.0.2", "10.1.0.3"].map((address) => ({ address }));
  if (one === undefined || two === undefined || three === undefined) {
    return;
  }
  await slices.put("search-a", [one, two]);
  const path = "/apis/discovery.k8s.io/v1/namespaces/recorded/endpointslices";
  const selector = new URLSearchParams({ labelSelector: "kubernetes.io/service-name=search" });
  const list = await cluster.ask("GET", `${path}?${selector}`);
  const { metadata } = JSON.parse(list.text) as { metadata: { resourceVersion: string } };
  const watchFrom = (version: string, ms: number) => {
    const more = { watch: "true", allowWatchBookmarks: "true", resourceVersion: version };
    const query = new URLSearchParams([...selector, ...Object.entries(more)]);
    return cluster.askAs("admin-token", "GET", `${path}?${query}`, undefined, ms);
  };
  const watching = watchFrom(metadata.resourceVersion, watchMs);
  await delay(500);
  await slices.put("search-b", [three]);
  await slices.put("search-a", [one, { ...two, conditions: terminating }]);
  // A pod moves: it is in both for a moment.
  await slices.put("search-b", [three, one]);
  await slices.put("search-a", [{ ...two, conditions: terminating }]);
  await slices.remove("search-a");
  const watch = await watching;
  // One that has just started knows nothing of what was before.
  await cluster.killApiServer();
  await cluster.startApiServer();
  const recorded = {
    list,
    watch,
    tooOld: await watchFrom(metadata.resourceVersion, 2_000),
    forbidden: await cluster.askAs(stranger, "GET", `${path}?${selector}`),
    unauthenticated: await cluster.askAs("none", "GET", `${path}?${selector}`),
    notFound: await cluster.ask("GET", path.replace("/v1/", "/v0/")),
  };
  writeFileSync(file, `${JSON.stringify(recorded, undefined, 2)}\n`);
}
