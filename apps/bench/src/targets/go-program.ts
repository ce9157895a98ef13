import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Child } from "../child.js";
import { findOnPath } from "./find-on-path.js";

/** A program in Go, which exists until it is disposed of. */
export interface GoProgram extends AsyncDisposable {
  readonly path: string;
  /** A directory of its own. */
  readonly directory: string;
}

/** Why nothing in Go can be built on this machine. Undefined where it can. */
export async function missingGo(): Promise<string | undefined> {
  return (await findOnPath("go")) === undefined ? "install Go (https://go.dev/dl)" : undefined;
}

/** Builds the program in that folder of this package. */
export async function buildGo(folder: string): Promise<GoProgram> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "servehttp-bench-go-"));
  stack.defer(() => rm(directory, { recursive: true }));
  const path = join(directory, folder);
  const source = fileURLToPath(new URL(`../../${folder}`, import.meta.url));
  const go = (await findOnPath("go")) ?? "go";
  const env = { GOTOOLCHAIN: "local", GOFLAGS: "-buildvcs=false" };
  await new Child("go build", [go, "build", "-C", source, "-o", path, "."], { env }).output();
  const built = stack.move();
  return { path, directory, [Symbol.asyncDispose]: () => built.disposeAsync() };
}
