import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { ClusterAccess } from "./cluster-access.js";
import { podAccess, serviceAccountPath } from "./pod-access.js";

/** A cluster, and who asks there. */
export interface Cluster {
  readonly access: ClusterAccess;
  /** The url of the API server, without a slash at the end. */
  readonly server: string;
  /** The one to look in where none is named. */
  readonly namespace: string;
}

/** Where to look for a cluster. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homePath: string;
  readonly serviceAccountPath: string;
}

/**
 * Finds the cluster.
 *
 * @param given a `KubeConfig`, the path of a kubeconfig file, or undefined for what is usual:
 * `$KUBECONFIG`, `~/.kube/config`, or the service account of the pod
 * @throws Error where there is none, or its file can't be read
 */
export async function openCluster(
  given: ClusterAccess | string | undefined,
  surroundings: Surroundings = {
    environment: process.env,
    homePath: homedir(),
    serviceAccountPath,
  },
): Promise<Cluster> {
  const access = typeof given === "object" ? given : await findAccess(given, surroundings);
  const current = access.getCurrentCluster();
  if (current === null) {
    throw new Error("the kubeconfig's current context names no cluster");
  }
  const { namespace } = access.getContextObject(access.getCurrentContext()) ?? {};
  return {
    access,
    server: current.server.replace(/\/+$/, ""),
    namespace: namespace?.trim() || "default",
  };
}

async function findAccess(
  path: string | undefined,
  { environment, homePath, serviceAccountPath: accountPath }: Surroundings,
): Promise<ClusterAccess> {
  const ofHome = join(homePath, ".kube/config");
  const listed = environment["KUBECONFIG"]?.split(delimiter).filter((one) => one !== "") ?? [];
  const paths = path !== undefined ? [path] : listed.length > 0 ? listed : [ofHome];
  if (path !== undefined || listed.length > 0 || existsSync(ofHome)) {
    return await loadConfigs(paths);
  }
  const access = podAccess(environment, accountPath);
  if (access === undefined) {
    throw new Error(
      "there is no Kubernetes cluster here: this is no pod with a service account, and neither " +
        "KUBECONFIG nor ~/.kube/config names one",
    );
  }
  return access;
}

/**
 * Of several files, the first that says something counts, as for kubectl. The package is loaded here,
 * because most hosts are pods and need nothing of it.
 */
async function loadConfigs([first = "", ...others]: readonly string[]): Promise<ClusterAccess> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromFile(first);
  for (const path of others) {
    const other = new KubeConfig();
    other.loadFromFile(path);
    config.mergeConfig(other, Boolean(config.getCurrentContext()));
  }
  return config;
}
