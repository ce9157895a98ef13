import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { parse, parseAllDocuments } from "yaml";
import { manifestNames, manifestPath } from "./chart-digest.js";

/** What an API server is asked by. */
export interface AskApiServer {
  /** @throws Error for a status of 400 and more */
  ask(method: string, path: string, body?: unknown): Promise<{ readonly text: string }>;
}

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly template?: { readonly spec: object; readonly metadata: object } };
}

/** How long an API server may take until it serves a new kind, in milliseconds. */
const servedMsMax = 30_000;

/** The chart's namespace. */
const namespace = "servehttp";

/**
 * Lets an API server say whether it takes the manifests in `deploy/kubernetes`: each of them, with
 * unknown fields refused, and a pod of each Deployment in a namespace that is held to the restricted
 * pod security standard. Nothing of it is kept but the namespace, service accounts and cert-manager's
 * definitions, which come from its Go module.
 *
 * @returns how many it took
 * @throws Error what it said of the first one that it refused
 */
export async function admittedManifests(cluster: AskApiServer): Promise<number> {
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  await cluster.ask("POST", "/api/v1/namespaces", { metadata: { name: namespace, labels } });
  for (const name of ["default", "servehttp-host"]) {
    await cluster.ask("POST", `/api/v1/namespaces/${namespace}/serviceaccounts`, {
      metadata: { name },
    });
  }
  await addCertManager(cluster);
  let count = 0;
  for (const name of manifestNames) {
    for (const document of parseAllDocuments(readFileSync(manifestPath(name), "utf8"))) {
      const manifest = document.toJS() as Manifest;
      if (manifest.kind !== "ServiceAccount") {
        await create(cluster, manifest);
        count += 1;
      }
      const { template } = manifest.spec ?? {};
      if (template !== undefined) {
        const { metadata, spec } = template;
        const pod = { ...metadata, name: manifest.metadata.name };
        await create(cluster, { apiVersion: "v1", kind: "Pod", metadata: pod, spec });
        count += 1;
      }
    }
  }
  return count;
}

/** Creates one, but for keeping it. */
async function create(cluster: AskApiServer, manifest: Manifest): Promise<void> {
  const { apiVersion, kind } = manifest;
  const group = apiVersion === "v1" ? "/api/v1" : `/apis/${apiVersion}`;
  const path = `${group}/namespaces/${namespace}/${pluralOf(kind)}`;
  await cluster.ask("POST", `${path}?dryRun=All&fieldValidation=Strict`, manifest);
}

function pluralOf(kind: string): string {
  const name = kind.toLowerCase();
  return name.endsWith("y")
    ? `${name.slice(0, -1)}ies`
    : `${name}${name.endsWith("s") ? "es" : "s"}`;
}

async function addCertManager(cluster: AskApiServer): Promise<void> {
  const module = "github.com/cert-manager/cert-manager@v1.20.0";
  const { stdout } = await promisify(execFile)("go", ["mod", "download", "-json", module], {
    cwd: "/",
  });
  const { Dir } = JSON.parse(stdout) as { readonly Dir: string };
  const definitions = `${Dir}/deploy/crds`;
  for (const file of readdirSync(definitions).filter((name) => name.endsWith(".yaml"))) {
    const definition: unknown = parse(readFileSync(`${definitions}/${file}`, "utf8"));
    await cluster.ask(
      "POST",
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
      definition,
    );
  }
  // The API server serves a new kind a moment later.
  for (const beganMs = performance.now(); ; await delay(100)) {
    const { text } = await cluster.ask("GET", "/apis/cert-manager.io/v1");
    if (["certificates", "issuers"].every((name) => text.includes(`"name":"${name}"`))) {
      return;
    }
    if (performance.now() - beganMs > servedMsMax) {
      throw new Error(`cert-manager's kinds are not served: ${text}`);
    }
  }
}
