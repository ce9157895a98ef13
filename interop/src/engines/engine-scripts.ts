import { repositoryRoot } from "../repository-root.js";

/** engine-plugin.ts, as it was built. */
export const enginePlugin = `${repositoryRoot}interop/dist/engines/engine-plugin.js`;

/** engine-host.ts, as it was built. */
export const engineHost = `${repositoryRoot}interop/dist/engines/engine-host.js`;
