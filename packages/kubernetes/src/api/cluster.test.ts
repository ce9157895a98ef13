import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { certificate, TemporaryDirectory } from "@servehttp/testkit";
import { expect, it } from "vitest";
import { openCluster } from "./cluster.js";
import { ServiceSlices } from "./service-slices.js";

/** A kubeconfig, which is YAML, and so JSON. */
function kubeConfig(server: string, namespace?: string): string {
  return JSON.stringify({
    clusters: [{ name: "c", cluster: { server } }],
    users: [{ name: "u", user: { token: "a-token" } }],
    contexts: [{ name: "here", context: { cluster: "c", user: "u", namespace } }],
    "current-context": "here",
  });
}

async function podDirectory(): Promise<TemporaryDirectory> {
  const directory = await TemporaryDirectory.make();
  await writeFile(directory.at("token"), "first\n");
  await writeFile(directory.at("namespace"), "web");
  return directory;
}

it("asks as the pod's service account, with the token that it has by now", async () => {
  const { cert, key } = certificate();
  const asked: (string | undefined)[] = [];
  const server = createServer({ cert, key }, (request, response) => {
    asked.push(request.headers.authorization);
    response.end(JSON.stringify({ metadata: { resourceVersion: "1" }, items: null }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  await using pod = await podDirectory();
  await writeFile(pod.at("ca.crt"), cert);
  const { port } = server.address() as AddressInfo;
  const environment = {
    KUBERNETES_SERVICE_HOST: "127.0.0.1",
    KUBERNETES_SERVICE_PORT: String(port),
  };
  const surroundings = { environment, homePath: pod.path, serviceAccountPath: pod.path };
  try {
    const cluster = await openCluster(undefined, surroundings);
    expect(cluster).toMatchObject({ server: `https://127.0.0.1:${port}`, namespace: "web" });
    const slices = new ServiceSlices(cluster, "web", "search", () => 0);
    const { signal } = new AbortController();
    expect(await slices.list(signal)).toEqual({ slices: [], version: "1" });
    await writeFile(pod.at("token"), "renewed\n");
    await slices.list(signal);
    expect(asked).toEqual(["Bearer first", "Bearer renewed"]);
    await writeFile(pod.at("ca.crt"), certificate().cert);
    await expect(slices.list(signal)).rejects.toThrow(
      `no answer from the API server at https://127.0.0.1:${port}: self-signed certificate`,
    );
    await writeFile(pod.at("ca.crt"), cert);
    await pod[Symbol.asyncDispose]();
    await expect(slices.list(signal)).rejects.toThrow(/no such file or directory.*token/);
  } finally {
    server.close().closeAllConnections();
  }
});

it("prefers a kubeconfig to the pod's own account, as kubectl does", async () => {
  await using pod = await podDirectory();
  await using home = await TemporaryDirectory.make();
  const pods = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };
  const surroundings = (environment: Readonly<Record<string, string>>) => ({
    environment: { ...pods, ...environment },
    homePath: home.path,
    serviceAccountPath: pod.path,
  });
  expect(await openCluster(undefined, surroundings({}))).toMatchObject({
    server: "https://[fd00::1]:443",
    namespace: "web",
  });
  await mkdir(home.at(".kube"));
  await writeFile(home.at(".kube/config"), kubeConfig("https://of-home:6443/"));
  expect(await openCluster(undefined, surroundings({}))).toMatchObject({
    server: "https://of-home:6443",
    namespace: "default",
  });
  await writeFile(home.at("given"), kubeConfig("https://given:6443", "plugins"));
  const environment = { KUBECONFIG: home.at("given") };
  const given = { server: "https://given:6443", namespace: "plugins" };
  expect(await openCluster(undefined, surroundings(environment))).toMatchObject(given);
  expect(await openCluster(home.at("given"), surroundings({}))).toMatchObject(given);
});

it("says where it looked where there is no cluster", async () => {
  await using empty = await TemporaryDirectory.make();
  const nowhere = { environment: {}, homePath: empty.path, serviceAccountPath: empty.path };
  await expect(openCluster(undefined, nowhere)).rejects.toThrow(
    "there is no Kubernetes cluster here: this is no pod with a service account, and neither " +
      "KUBECONFIG nor ~/.kube/config names one",
  );
  await writeFile(empty.at("config"), "{}");
  await expect(openCluster(empty.at("config"))).rejects.toThrow(/names no cluster/);
  await expect(openCluster(empty.at("none"))).rejects.toThrow(/no such file.*none/);
});
