import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const source = fileURLToPath(new URL("../../src/kubernetes/api-server", import.meta.url));

/** The programs of a cluster that has nothing but its API. */
export interface ApiServerPrograms {
  readonly etcd: string;
  readonly apiServer: string;
}

/** Where they are kept where nobody says otherwise. */
export const usualCache = join(
  process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"),
  "servehttp-api-server",
);

/** Builds what is not there yet from its Go modules, which takes seven minutes on two cores. */
export async function builtApiServer(cache: string): Promise<ApiServerPrograms> {
  const programs = { etcd: join(cache, "etcd"), apiServer: join(cache, "kube-apiserver") };
  if (!existsSync(programs.etcd) || !existsSync(programs.apiServer)) {
    console.log(`building etcd and kube-apiserver in ${cache}`);
    const flags = ["build", "-trimpath", "-ldflags=-s -w", "-o", `${cache}/`];
    await promisify(execFile)("go", [...flags, "./etcd", "./kube-apiserver"], { cwd: source });
  }
  return programs;
}
