export type { AuthenticatedRequest, ClusterAccess } from "./api/cluster-access.js";
export { serviceInstances } from "./service-instances.js";
export type { ServiceOptions } from "./service-options.js";
export { readServiceUrl } from "./service-url.js";
export type { AddressType } from "./slices/endpoint-slice.js";
