import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdtemp, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandProcess } from "../process/command-process.js";
import type { PluginAddress } from "../wire/plugin-address.js";

/** A plugin that the kit has started, as a host starts one. */
export class PluginProcess extends CommandProcess {
  readonly address: PluginAddress;
  readonly token: string;
  readonly #socketPath: string;

  private constructor(command: string, directory: string) {
    const token = randomBytes(18).toString("base64url");
    const path = join(directory, "plugin.sock");
    const env = {
      SERVEHTTP_ADDRESS: `unix:${path}`,
      SERVEHTTP_TOKEN: token,
      SERVEHTTP_PLUGIN_ID: "conformance",
      SERVEHTTP_BASE_PATH: "/plugins/conformance",
      SERVEHTTP_HOST_FD: "3",
    };
    super(command, env, () => rmSync(directory, { recursive: true, force: true }));
    this.token = token;
    this.#socketPath = path;
    this.address = { text: env.SERVEHTTP_ADDRESS, target: { path }, tls: false };
  }

  static async start(command: string): Promise<PluginProcess> {
    return new PluginProcess(command, await mkdtemp(join(tmpdir(), "servehttp-conformance-")));
  }

  /** Its resident memory in bytes; undefined where the system does not say. */
  async memoryBytes(): Promise<number | undefined> {
    const status = await readFile(`/proc/${this.pid}/status`, "utf8").catch(() => "");
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1_024;
  }

  /** Whether its socket file is there. */
  async hasSocketFile(): Promise<boolean> {
    return await stat(this.#socketPath).then(
      () => true,
      () => false,
    );
  }
}
