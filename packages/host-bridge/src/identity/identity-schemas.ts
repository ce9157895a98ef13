import { basicSchema } from "./basic-identity.js";
import { forwardSchema } from "./forward-auth.js";
import { jwtSchema } from "./jwt-identity.js";
import { proxySchema } from "./proxy-identity.js";

/** What checks the options of the ready-made identities, by the names that configs have for them. */
export const identitySchemas = {
  basic: basicSchema,
  forward: forwardSchema,
  jwt: jwtSchema,
  proxy: proxySchema,
};
