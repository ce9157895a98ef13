import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import type { ServerAddress } from "../client/server-address.js";
import { CommandProcess } from "../process/command-process.js";
import { UsageError } from "../usage-error.js";

/** The host that is tested: the kit has started it, or it runs somewhere. */
export class HostUnderTest implements AsyncDisposable {
  /** Where its clients find the plugin. */
  readonly url: string;
  readonly server: ServerAddress;
  /** The path in front of the plugin's own "/", without a slash at the end. */
  readonly base: string;
  readonly process: CommandProcess | undefined;

  private constructor(url: URL, process: CommandProcess | undefined) {
    this.url = url.href;
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    this.server = { host, port: url.port === "" ? 80 : Number(url.port) };
    this.base = url.pathname.replace(/\/$/, "");
    this.process = process;
  }

  /**
   * Starts the host, where there is a command. In the command and in the url, `{plugin}` stands for
   * the plugin's address, and `{port}` for a port that is free.
   *
   * @throws UsageError where the url is none of HTTP
   */
  static async start(
    url: string,
    command: string | undefined,
    plugin: string,
  ): Promise<HostUnderTest> {
    const port = `${url}${command ?? ""}`.includes("{port}") ? await freePort() : 0;
    const filled = (text: string): string =>
      text.replaceAll("{plugin}", plugin).replaceAll("{port}", String(port));
    const where = hostUrl(filled(url));
    const process =
      command === undefined ? undefined : new CommandProcess(filled(command), {}, () => undefined);
    return new HostUnderTest(where, process);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process?.[Symbol.asyncDispose]();
  }
}

/** @throws UsageError where the url is none of HTTP */
export function hostUrl(text: string): URL {
  if (!URL.canParse(text) || new URL(text).protocol !== "http:") {
    throw new UsageError(
      `--host ${text}: it is where clients find the plugin, without TLS: http://127.0.0.1:8080/plugins/conformance`,
    );
  }
  return new URL(text);
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
