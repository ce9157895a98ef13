import { existsSync, readFileSync } from "node:fs";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import { Agent } from "undici";
import type { ClusterAccess } from "./cluster-access.js";

/** Where Kubernetes puts what a pod's service account proves itself with. */
export const serviceAccountPath = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * The API server by what every pod is given. Token and authority are read for each request, because
 * Kubernetes renews them while the pod runs.
 *
 * `@kubernetes/client-node` has this, too. Loading it stops the process for more than a second, and
 * takes 90 MB: decision 023.
 *
 * @returns undefined where this is no pod, or one without a service account
 * @see https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
 */
export function podAccess(
  environment: Readonly<Record<string, string | undefined>>,
  path: string,
): ClusterAccess | undefined {
  const { KUBERNETES_SERVICE_HOST: host = "", KUBERNETES_SERVICE_PORT: port = "" } = environment;
  if (host === "" || port === "" || !existsSync(join(path, "token"))) {
    return undefined;
  }
  const read = (name: string) => readFileSync(join(path, name), "utf8").trim();
  return {
    getCurrentCluster: () => ({ server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}` }),
    getCurrentContext: () => "pod",
    getContextObject: () => ({
      namespace: existsSync(join(path, "namespace")) ? read("namespace") : "",
    }),
    async applySecurityAuthentication(request) {
      request.setHeaderParam("authorization", `Bearer ${read("token")}`);
      request.setDispatcher(new Agent({ connect: { ca: read("ca.crt") } }));
    },
  };
}
