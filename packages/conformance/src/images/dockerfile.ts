import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deploy } from "../manifests/chart-digest.js";

/** What the last stage of a Dockerfile says of the process that it runs. */
export interface ImageProcess {
  readonly entryPoint: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly uid: number;
  readonly gid: number;
}

/** Reads what a container of an image runs. @param name such as `plugin-node` */
export function imageProcess(name: string): ImageProcess {
  const text = readFileSync(join(deploy, "docker", `${name}.Dockerfile`), "utf8");
  const stage = text.slice(text.lastIndexOf("\nFROM "));
  const said = (instruction: string): string | undefined =>
    new RegExp(`^${instruction} (.*)$`, "m").exec(stage)?.[1];
  const variables = Array.from(stage.matchAll(/^ENV (.*)$/gm), ([, line = ""]) =>
    line.split(" ").map((pair) => pair.split("=") as [string, string]),
  );
  const [uid, gid] = (said("USER") ?? "").split(":").map(Number);
  if (uid === undefined || gid === undefined) {
    throw new Error(`${name}.Dockerfile: USER has to be two numbers`);
  }
  return {
    entryPoint: JSON.parse(said("ENTRYPOINT") ?? "") as string[],
    environment: Object.fromEntries(variables.flat()),
    directory: said("WORKDIR") ?? "/",
    uid,
    gid,
  };
}
