/**
 * What is needed of a `KubeConfig` of `@kubernetes/client-node`: where the API server is, and how to
 * prove who asks. Any `KubeConfig` is one, of whichever copy of that package.
 */
export interface ClusterAccess {
  getCurrentCluster(): { readonly server: string } | null;
  getCurrentContext(): string;
  getContextObject(name: string): { readonly namespace?: string } | null;
  /** Sets what a request to the API server needs. Called for each. */
  applySecurityAuthentication(request: AuthenticatedRequest): Promise<void>;
}

/** A request that is about to be sent. */
export interface AuthenticatedRequest {
  setHeaderParam(name: string, value: string): void;
  /** The dispatcher of undici that it goes by. */
  setDispatcher(dispatcher: unknown): void;
}

/** A cluster, and who asks there. */
export interface Cluster {
  readonly access: ClusterAccess;
  /** The url of the API server, without a slash at the end. */
  readonly server: string;
  /** The one to look in where none is named. */
  readonly namespace: string;
}

/**
 * Finds the cluster.
 *
 * @param given a `KubeConfig`, the path of a kubeconfig file, or undefined for what is usual:
 * `$KUBECONFIG`, `~/.kube/config`, or the service account of the pod
 * @throws Error where there is none, or its file can't be read
 */
export async function openCluster(given: ClusterAccess | string | undefined): Promise<Cluster> {
  const access = typeof given === "object" ? given : await loadConfig(given);
  const current = access.getCurrentCluster();
  if (current === null) {
    throw new Error(
      given === undefined
        ? "there is no Kubernetes cluster here: this is no pod with a service account, and neither " +
            "KUBECONFIG nor ~/.kube/config names a cluster. Give `kubeConfig`"
        : "the kubeconfig's current context names no cluster",
    );
  }
  const { namespace } = access.getContextObject(access.getCurrentContext()) ?? {};
  return {
    access,
    server: current.server.replace(/\/+$/, ""),
    namespace: namespace?.trim() || "default",
  };
}

/** Loaded here, because the package is large: it takes a second and 90 MB. */
async function loadConfig(path: string | undefined): Promise<ClusterAccess> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  if (path === undefined) {
    config.loadFromDefault();
    // What the package makes up where it finds nothing.
    const isMadeUp = config.getCurrentContext() === "loaded-context";
    if (isMadeUp) {
      config.loadFromOptions({ clusters: [], users: [], contexts: [], currentContext: "" });
    }
  } else {
    config.loadFromFile(path);
  }
  return config;
}
