import { access } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { proxyInFrontOf } from "./configured-proxy.js";
import { nginxProxy } from "./nginx.js";
import { startServehttp } from "./servehttp.js";
import { startPluginOf } from "./start-plugin.js";
import type { Target } from "./target.js";

const folder = fileURLToPath(new URL("../../python-plugin", import.meta.url));
const application = join(folder, "main.py");
const programs = join(folder, ".venv/bin");

/** Ours with a plugin on the Python SDK. */
export function servehttpToPython(carrier: "mux" | "stream"): Target {
  return {
    name: `${carrier} to Python`,
    namedOnly: true,
    missing: missingEnvironment,
    start: (options = {}) =>
      startServehttp(carrier, [join(programs, "servehttp-plugin"), application], options),
  };
}

const nginxInFrontOfUvicorn = proxyInFrontOf(nginxProxy, () =>
  startPluginOf("uvicorn", [join(programs, "python"), application, "--direct"]),
);

/** The same application on uvicorn, on a unix socket, with nginx in front of it. */
export const nginxToUvicorn: Target = {
  ...nginxInFrontOfUvicorn,
  name: "nginx to uvicorn",
  namedOnly: true,
  missing: async () => (await nginxInFrontOfUvicorn.missing()) ?? (await missingEnvironment()),
};

/** A virtual environment with the SDK and the peers, which whoever measures makes with one command. */
async function missingEnvironment(): Promise<string | undefined> {
  const found = await access(join(programs, "servehttp-plugin")).then(
    () => true,
    () => false,
  );
  return found ? undefined : "bash apps/bench/python-plugin/install [PYTHON]";
}
