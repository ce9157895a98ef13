/** The API server refused something, or gave no answer that can be used. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** As HTTP has them; undefined where there was no answer. 410: the version is too old. */
  readonly status: number | undefined;

  constructor(status: number | undefined, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** What is wanted, for the text of an error. */
export interface Wanted {
  readonly server: string;
  readonly namespace: string;
  readonly verb: "list" | "watch";
}

/**
 * Says what the API server has refused, and what to do.
 *
 * @param message what it has said itself
 */
export function refusal(status: number, message: string, wanted: Wanted): ApiError {
  const { namespace, server, verb } = wanted;
  const said = message === "" ? `status ${status}` : message;
  if (status === 403) {
    return new ApiError(
      status,
      `the API server does not let this process ${verb} EndpointSlices in namespace "${namespace}": ` +
        `${said}. Bind its ServiceAccount to a Role in that namespace with apiGroups ` +
        '["discovery.k8s.io"], resources ["endpointslices"], verbs ["list", "watch"]',
    );
  }
  if (status === 401) {
    return new ApiError(
      status,
      `the API server at ${server} does not accept the credentials of this process (${said}): ` +
        "check its ServiceAccount's token or its kubeconfig",
    );
  }
  if (status === 404) {
    return new ApiError(
      status,
      `${server} has no discovery.k8s.io/v1 (${said}): it is no API server, or one before Kubernetes 1.21`,
    );
  }
  return new ApiError(
    status,
    `the API server at ${server} can't ${verb} EndpointSlices: ${said} (${status})`,
  );
}

/** No answer, or one that broke off. */
export function unreachable(cause: unknown, { server }: Wanted): ApiError {
  return new ApiError(undefined, `no answer from the API server at ${server}: ${reason(cause)}`, {
    cause,
  });
}

function reason(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.message === "") {
    return thrown.errors.map(reason).join(", ");
  }
  return thrown instanceof Error ? thrown.message : String(thrown);
}
