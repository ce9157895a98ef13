export { basicIdentity, type BasicIdentityOptions } from "./basic-identity.js";
export { forwardAuth, type ForwardAuthOptions } from "./forward-auth.js";
export { identitySchemas } from "./identity-schemas.js";
export type { Identity } from "./identity.js";
export { jwtIdentity, type JwtIdentityOptions } from "./jwt-identity.js";
export { proxyIdentity, type ProxyIdentityOptions } from "./proxy-identity.js";
