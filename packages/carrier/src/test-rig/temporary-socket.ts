import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** The path of a unix socket in a fresh directory, which goes with it. */
export class TemporarySocket implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<TemporarySocket> {
    return new TemporarySocket(join(await mkdtemp(join(tmpdir(), "servehttp-carrier-")), "s"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(dirname(this.path), { recursive: true, force: true });
  }
}
