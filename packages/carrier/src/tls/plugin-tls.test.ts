import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, type ConnectionOptions } from "node:tls";
import { selfSigned, TestAuthority } from "@servehttp/testkit";
import { expect, test } from "vitest";
import { ExchangeServer } from "../exchange-server.js";
import { preface, settingsFrame } from "../http2/frames.js";
import { someServices } from "../test-rig/wire.js";

const authority = new TestAuthority();
const host = authority.issue("host", "DNS:host");

async function plugin(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = new ExchangeServer({
    accept: () => ({ receive: () => undefined, abort: () => undefined }),
    services: someServices(),
    rpc: (_request, response) => response.end(),
    token: undefined,
    tls: {
      ...authority.issue("plugin", "DNS:localhost"),
      ca: authority.ca,
      requestCert: true,
      subjectAltNames: ["host"],
    },
  });
  const { port } = (await server.listen({ host: "127.0.0.1", port: 0 })) as AddressInfo;
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.destroy();
      await server.drain();
    },
  };
}

/** Connects as a host. Gives what the plugin says first, and the session that may be resumed. */
async function connected(port: number, options: ConnectionOptions) {
  const socket = connect({
    port,
    host: "127.0.0.1",
    servername: "localhost",
    ca: authority.ca,
    ALPNProtocols: ["h2"],
    ...options,
  });
  let session: Buffer | undefined;
  socket.on("session", (given: Buffer) => (session = given));
  socket.on("error", () => undefined);
  await once(socket, "secureConnect");
  socket.write(Buffer.concat([preface, settingsFrame([])]));
  const said = ((await once(socket, "data")) as [Buffer])[0].toString("latin1");
  const { isSessionReused } = { isSessionReused: socket.isSessionReused() };
  socket.destroy();
  return { said, session, isSessionReused };
}

test.each([
  ["TLS 1.3", "TLSv1.3"],
  ["TLS 1.2", "TLSv1.2"],
] as const)(
  "lets in by %s who shows a good certificate, and nobody by a session",
  async (_name, maxVersion) => {
    await using served = await plugin();
    const good = await connected(served.port, { ...host, maxVersion });
    expect(good.said).not.toContain("certificate");
    for (const [own, why] of [
      [{}, "this plugin wants one, and the host has shown none"],
      [selfSigned("stranger"), "this plugin does not trust who has signed it"],
      [authority.issue("other", "DNS:other"), "none of the names that this plugin allows"],
      [authority.issue("old", "DNS:host", -1), "ran out"],
    ] as const) {
      const { said, session } = await connected(served.port, { ...own, maxVersion });
      expect(said).toContain(why);
      // Without a certificate, and with the session of a connection that was refused, or let in.
      for (const resumed of [session, good.session]) {
        const again = await connected(served.port, { session: resumed, maxVersion });
        expect(again.isSessionReused).toBe(false);
        expect(again.said).toContain("the host has shown none");
      }
    }
  },
);
