import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer as createHttp1, request as httpRequest } from "node:http";
import { createSecureServer as createHttp2 } from "node:http2";
import { type AddressInfo, createServer as createTcp, type Server } from "node:net";
import { createServer as createTls, type TlsOptions as NodeTlsOptions } from "node:tls";
import { type PluginTlsOptions, type RunningPlugin, servePlugin } from "@servehttp/plugin-sdk";
import { afterAll, describe, expect, it } from "vitest";
import {
  type Certificate,
  selfSigned,
  TemporaryDirectory,
  TestAuthority,
  until,
} from "@servehttp/testkit";
import { createPluginHost } from "../create-plugin-host.js";
import type { TlsOptions } from "../options/options.js";
import { logRecords } from "../test-rig/log-records.js";

const directory = await TemporaryDirectory.make();
afterAll(() => directory[Symbol.asyncDispose]());

const hostId = "spiffe://example.org/ns/hosts/sa/host";
const pluginId = "spiffe://example.org/ns/plugins/sa/search";

/** The files of one end, as a mounted secret has them. */
interface Files {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
}

function filesOf(name: string): Files {
  const at = (extension: string) => directory.at(`${name}.${extension}`);
  return { certFile: at("crt"), keyFile: at("key"), caFile: at("ca") };
}

function write(files: Files, { cert, key }: Certificate, ...authorities: TestAuthority[]): Files {
  writeFileSync(files.certFile, cert);
  writeFileSync(files.keyFile, key);
  writeFileSync(files.caFile, authorities.map(({ ca }) => ca).join(""));
  return files;
}

const authority = new TestAuthority("the authority");
const issueHost = (by = authority, days?: number) => by.issue("host", `URI:${hostId}`, days);
const issuePlugin = (by = authority, days?: number) =>
  by.issue("plugin", `URI:${pluginId},DNS:search.plugins,IP:127.0.0.1`, days);
const hostFiles = write(filesOf("host"), issueHost(), authority);
const pluginFiles = write(filesOf("plugin"), issuePlugin(), authority);
const caFile = hostFiles.caFile;

function serve(tls: PluginTlsOptions, address = "127.0.0.1:0"): Promise<RunningPlugin> {
  return servePlugin(
    { serveHTTP: (_request, response) => response.end("found") },
    { address, logger: logRecords().logger, tls },
  );
}

/** The text with which a host fails to reach what listens at a port; "ready" where it does. */
async function outcomeAt(port: number | string, tls?: TlsOptions): Promise<string> {
  const { logger } = logRecords();
  const url = `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`;
  const search = { url, ...(tls !== undefined && { tls }), timeouts: { startMs: 20_000 } };
  const host = createPluginHost({ logger, plugins: { search } });
  try {
    await host.start("search");
    return "ready";
  } catch (error) {
    return (error as Error).message;
  } finally {
    await host.stop({ drainMs: 0 });
  }
}

const portOf = ({ address }: RunningPlugin) => address.split(":").at(-1)!;

async function outcomeWith(plugin: PluginTlsOptions, host: TlsOptions): Promise<string> {
  await using running = await serve(plugin);
  return await outcomeAt(portOf(running), host);
}

/** Listens for the time of one attempt. */
async function outcomeOf(server: Server, tls?: TlsOptions): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    return await outcomeAt((server.address() as AddressInfo).port, tls);
  } finally {
    server.close();
  }
}

describe("mutual TLS", () => {
  it.each([
    ["by its address", {}, {}],
    ["by a name of its own", { servername: "search.plugins" }, {}],
    ["by SPIFFE IDs", { subjectAltNames: [pluginId] }, { subjectAltNames: [hostId] }],
    [
      "by trust domains and parts of them",
      { subjectAltNames: ["nobody.plugins", "spiffe://example.org"] },
      { subjectAltNames: ["spiffe://example.org/ns/hosts/*"] },
    ],
  ])("connects ends that know each other %s", async (_name, host, plugin) => {
    const outcome = outcomeWith({ ...pluginFiles, ...plugin }, { ...hostFiles, ...host });
    expect(await outcome).toBe("ready");
  });

  it("says why the plugin refuses the host", async () => {
    const refused = "it refused the host's certificate: ";
    const stranger = selfSigned("stranger");
    const old = issueHost(authority, -1);
    const mutual = (host: TlsOptions, plugin: PluginTlsOptions = {}) =>
      outcomeWith({ ...pluginFiles, ...plugin }, host);
    expect(await mutual({ caFile })).toMatch(
      new RegExp(
        `^plugin search: no connection to https://127\\.0\\.0\\.1:\\d+: ${refused}this plugin wants one, and the host has shown none: give the host tls.certFile and tls.keyFile$`,
      ),
    );
    expect(await mutual({ caFile, ...stranger })).toContain(
      `${refused}it is for no name but its subject (CN=stranger), signed by CN=stranger, and this plugin does not trust who has signed it`,
    );
    expect(await mutual({ caFile, ...old })).toContain(
      `${refused}it is for URI:${hostId}, signed by CN=the authority, and it, or its authority's, ran out`,
    );
    expect(await mutual({ ...hostFiles }, { subjectAltNames: [pluginId] })).toContain(
      `${refused}it is for URI:${hostId}, which is none of the names that this plugin allows (subjectAltNames)`,
    );
  });

  it("says what is wrong with the plugin's certificate", async () => {
    const other = new TestAuthority("another");
    const { cert, key } = issuePlugin(authority, -1);
    expect(await outcomeWith({ cert, key }, { caFile })).toMatch(
      /: its certificate ran out on .* GMT, or that of its authority: renew it at the plugin$/,
    );
    expect(await outcomeWith(issuePlugin(other), { caFile })).toContain(
      "its certificate is signed by an authority that the host does not know (CN=another): give that authority's certificate as tls.caFile or tls.ca",
    );
    const names = `URI:${pluginId}, DNS:search.plugins, IP Address:127.0.0.1`;
    expect(await outcomeWith(pluginFiles, { ...hostFiles, servername: "notes" })).toContain(
      `its certificate is for ${names}, not for notes: give one of these names as tls.servername or tls.subjectAltNames`,
    );
    const subjectAltNames = ["spiffe://example.com"];
    expect(await outcomeWith(pluginFiles, { ...hostFiles, subjectAltNames })).toContain(
      `its certificate is for ${names}, and tls.subjectAltNames allows spiffe://example.com`,
    );
  });

  it("says what the alert of another server means", async () => {
    // Node's HTTP/2 server wants a certificate, and OpenSSL says so behind the handshake.
    const { cert, key } = issuePlugin();
    const server = createHttp2({ cert, key, ca: authority.ca, requestCert: true });
    server.on("sessionError", () => undefined);
    expect(await outcomeOf(server as Server, { caFile })).toContain(
      "it refused the host's certificate (tls alert certificate required): the host has none: give the plugin tls.certFile and tls.keyFile",
    );
    // And closes the connection without one where it does not like it.
    const strict = createHttp2({ cert, key, ca: authority.ca, requestCert: true });
    expect(await outcomeOf(strict as Server, { caFile, ...selfSigned("stranger") })).toMatch(
      /: it closed the connection right behind the TLS handshake; it may refuse the host's certificate \(for no name but its subject \(CN=stranger\), signed by CN=stranger, valid until .* GMT\), or speak no HTTP\/2; its log may say more$/,
    );
  });

  it("says that an end does not speak TLS, or no HTTP/2 over it", async () => {
    const plain = await servePlugin(
      { serveHTTP: () => undefined },
      { address: "127.0.0.1:0", logger: false },
    );
    await using _ = plain;
    const noTls = "it does not speak TLS: write http:// in the url, or let the plugin serve TLS";
    expect(await outcomeAt(portOf(plain), { caFile })).toContain(noTls);
    const http1 = createHttp1((_request, response) => response.end());
    expect(await outcomeOf(http1, { caFile })).toContain(noTls);
    expect(
      await outcomeOf(
        createTcp((socket) => socket.destroy()),
        { caFile },
      ),
    ).toContain(
      "it closed the connection during the TLS handshake: if it does not speak TLS, write http:// in the url",
    );
    await using secure = await serve(pluginFiles);
    expect(await outcomeAt(portOf(secure))).toMatch(
      /: what listens at http:\/\/127\.0\.0\.1:\d+ speaks TLS: write https:\/\/ in the url$/,
    );
    const tlsServer = (options: NodeTlsOptions) => createTls({ ...issuePlugin(), ...options });
    expect(await outcomeOf(tlsServer({}), { caFile })).toContain("it agrees on no HTTP/2 by ALPN");
    expect(await outcomeOf(tlsServer({ ALPNProtocols: ["http/1.1"] }), { caFile })).toContain(
      "(tls alert no application protocol): it does not offer HTTP/2 (h2 by ALPN)",
    );
  });

  it("says which file of the host's can't be used", async () => {
    await using plugin = await serve(pluginFiles);
    const certFile = directory.at("missing.crt");
    expect(await outcomeAt(portOf(plugin), { ...hostFiles, certFile })).toMatch(
      /: no connection to https:.*: certFile .*missing\.crt: no such file$/,
    );
    await expect(serve({ ...pluginFiles, certFile })).rejects.toMatchObject({
      code: "invalid-argument",
      message: `the option tls can't be used: certFile ${certFile}: no such file`,
    });
  });

  it(
    "exchanges certificates and authority while requests run, and fails none",
    { timeout: 30_000 },
    async () => {
      const host = write(filesOf("rotated-host"), issueHost(), authority);
      const ofPlugin = write(filesOf("rotated-plugin"), issuePlugin(), authority);
      await using plugin = await serve({ ...ofPlugin, subjectAltNames: [hostId] });
      const { logger } = logRecords();
      const url = `https://${plugin.address}`;
      await using bridge = createPluginHost({
        logger,
        plugins: { search: { url, tls: { ...host, subjectAltNames: [pluginId] } } },
      });
      await bridge.start();
      const server = bridge.attach(createHttp1());
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const answers: string[] = [];
      let isOver = false;
      const ask = async () => {
        while (!isOver) {
          answers.push(await answerOf(port));
        }
      };
      const asking = [ask(), ask(), ask(), ask()];
      const exchange = async (...steps: (() => void)[]) => {
        for (const step of steps) {
          step();
          const sofar = answers.length;
          await bridge.reload("search");
          await until(() => answers.length > sofar + 10, "requests are answered");
        }
      };
      const next = new TestAuthority("the next");
      const [hostNow, pluginNow] = [issueHost(), issuePlugin()];
      const [hostNext, pluginNext] = [issueHost(next), issuePlugin(next)];
      await exchange(
        // Trust both, then show the new ones, then trust only the new one.
        () => {
          write(host, hostNow, authority, next);
          write(ofPlugin, pluginNow, authority, next);
        },
        () => write(ofPlugin, pluginNext, authority, next),
        () => write(host, hostNext, authority, next),
        () => {
          write(host, hostNext, next);
          write(ofPlugin, pluginNext, next);
        },
        // Half written: what was good stays in use.
        () => writeFileSync(ofPlugin.keyFile, ""),
      );
      writeFileSync(host.certFile, hostNext.cert.slice(0, 200));
      await expect(bridge.reload("search")).rejects.toThrow("it ends, or is broken, within a");
      isOver = true;
      await Promise.all(asking);
      server.close();
      server.closeAllConnections();
      expect(new Set(answers)).toEqual(new Set(["200 found"]));
      // Nobody trusts the first authority any more.
      expect(await outcomeAt(portOf(plugin), { ...hostFiles, caFile: host.caFile })).toContain(
        "it refused the host's certificate: ",
      );
    },
  );
});

async function answerOf(port: number): Promise<string> {
  const request = httpRequest({ port, host: "127.0.0.1", path: "/plugins/search/" });
  request.end();
  const [response] = (await once(request, "response")) as [
    AsyncIterable<Buffer> & { statusCode: number },
  ];
  let text = "";
  for await (const chunk of response) {
    text += chunk.toString();
  }
  return `${response.statusCode} ${text}`;
}
