import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const packageDirectory = fileURLToPath(new URL("../../", import.meta.url));

/** A directory with programs of the docs, inside this package, where the frameworks are found. */
export class ProgramDirectory implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(files: Readonly<Record<string, string>>): Promise<ProgramDirectory> {
    await mkdir(join(packageDirectory, "dist"), { recursive: true });
    const path = await mkdtemp(join(packageDirectory, "dist/program-"));
    await Promise.all(
      Object.entries(files).map(([name, content]) => writeFile(join(path, name), content)),
    );
    return new ProgramDirectory(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true });
  }
}
