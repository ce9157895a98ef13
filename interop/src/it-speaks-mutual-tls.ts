import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { renameSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createPluginHost, type TlsOptions } from "@servehttp/host-bridge";
import {
  type Certificate,
  freePort,
  selfSigned,
  TemporaryDirectory,
  TestAuthority,
  until,
} from "@servehttp/testkit";
import { expect, it } from "vitest";

const hostId = "spiffe://example.org/ns/hosts/sa/host";
const pluginId = "spiffe://example.org/ns/plugins/sa/search";

/**
 * Tests mutual TLS between a host and a plugin that its environment alone configures.
 *
 * @param commandOf the command of a plugin that answers `GET /engine`
 */
export function itSpeaksMutualTls(commandOf: () => readonly string[]): void {
  it("speaks mutual TLS, takes certificates that change, and says why it refuses a host", async () => {
    await using directory = await TemporaryDirectory.make();
    const authority = new TestAuthority("the authority");
    const put = (name: string, { cert, key }: Certificate, { ca }: TestAuthority) => {
      const files = { certFile: cert, keyFile: key, caFile: ca };
      return Object.fromEntries(
        Object.entries(files).map(([option, content]) => {
          const path = directory.at(`${name}.${option}`);
          writeFileSync(`${path}.new`, content);
          renameSync(`${path}.new`, path);
          return [option, path];
        }),
      ) as Record<keyof typeof files, string>;
    };
    const ofPlugin = put("plugin", issuePlugin(authority), authority);
    const ofHost = put("host", issueHost(authority), authority);
    const port = await freePort();
    await using plugin = start(commandOf(), {
      SERVEHTTP_ADDRESS: `127.0.0.1:${port}`,
      SERVEHTTP_TLS_CERT_FILE: ofPlugin.certFile,
      SERVEHTTP_TLS_KEY_FILE: ofPlugin.keyFile,
      SERVEHTTP_TLS_CA_FILE: ofPlugin.caFile,
      SERVEHTTP_TLS_SUBJECT_ALT_NAMES: "spiffe://example.org/ns/hosts/*",
    });
    const hostWith = (tls: TlsOptions) =>
      createPluginHost({
        logger: false,
        plugins: { search: { url: `https://127.0.0.1:${port}`, tls } },
      });
    const host = hostWith({ ...ofHost, subjectAltNames: [pluginId] });
    await using _host = host;
    const refusalOf = async (tls: TlsOptions) => {
      await using refused = hostWith(tls);
      return await refused.start("search").then(
        () => "none",
        (error: unknown) => (error as Error).message,
      );
    };

    void host.start();
    await until(() => host.plugins[0]?.state === "ready" || plugin.hasEnded, "the plugin listens");
    const server = host.attach(createHttpServer());
    await once(server.listen(0, "127.0.0.1"), "listening");
    try {
      const { port: hostPort } = server.address() as AddressInfo;
      const answer = () => fetch(`http://127.0.0.1:${hostPort}/plugins/search/engine`);
      expect((await answer()).status).toBe(200);

      const { caFile } = ofHost;
      const refused = "it refused the host's certificate";
      expect(await refusalOf({ caFile })).toContain(`${refused} (tls alert certificate required)`);
      expect(await refusalOf({ caFile, ...selfSigned("stranger") })).toContain(
        `${refused} (tls alert unknown ca)`,
      );
      const other = issueHost(authority, "spiffe://example.org/ns/others/sa/host");
      expect(await refusalOf({ caFile, ...other })).toContain(
        `${refused}: it is for URI:spiffe://example.org/ns/others/sa/host, which is none of the names`,
      );

      const next = new TestAuthority("the next");
      put("plugin", issuePlugin(next), next);
      put("host", issueHost(next), next);
      await host.reload("search");
      expect((await answer()).status).toBe(200);
      expect(await refusalOf({ caFile, ...issueHost(authority) })).toContain(
        `${refused} (tls alert unknown ca)`,
      );
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
}

function issuePlugin(by: TestAuthority): Certificate {
  return by.issue("plugin", `URI:${pluginId},DNS:localhost,IP:127.0.0.1`);
}

function issueHost(by: TestAuthority, id = hostId): Certificate {
  return by.issue("host", `URI:${id}`);
}

function start(
  [program = "", ...args]: readonly string[],
  variables: Readonly<Record<string, string>>,
): AsyncDisposable & { readonly hasEnded: boolean } {
  const plugin: ChildProcess = spawn(program, args, {
    stdio: ["ignore", "ignore", "ignore"],
    env: { ...process.env, ...variables },
  });
  const exited = once(plugin, "exit");
  return {
    get hasEnded() {
      return plugin.exitCode !== null || plugin.signalCode !== null;
    },
    async [Symbol.asyncDispose]() {
      plugin.kill("SIGKILL");
      await exited;
    },
  };
}
