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
