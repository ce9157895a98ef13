import { createServer, Server } from "node:http";
import type { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { upgradeBodyBytesMax } from "../limits.js";
import { callHandler, type TestRequest } from "../testing/testing.js";
import type { PluginHandler } from "./to-serve-http.js";
import type { UpgradeListener } from "./upgrade.js";

const asks: TestRequest = {
  url: "/ws",
  headers: { Upgrade: "echo" },
  hijackable: true,
  tunnelHead: Buffer.from("head"),
};

const switching =
  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

const tellsWhatItSees: UpgradeListener = (incoming, socket, head) => {
  socket.write(switching);
  void incoming.toArray().then((chunks) => {
    const body = Buffer.concat(chunks as Buffer[]).toString();
    const { server } = incoming.socket as { server?: unknown };
    const { upgrade } = incoming as { upgrade?: unknown };
    socket.end([incoming.url, upgrade, server instanceof Server, body, head].join("|"));
  });
};

const handlers: Readonly<Record<string, (upgrade: UpgradeListener) => PluginHandler>> = {
  serveHTTP: (upgrade) => ({
    serveHTTP: (_request, response) => void response.end("plain"),
    upgrade,
  }),
  fetch: (upgrade) => ({ fetch: () => new Response("plain"), upgrade }),
  node: (upgrade) => ({ node: (_incoming, outgoing) => outgoing.end("plain"), upgrade }),
  server: (upgrade) =>
    createServer((_incoming, outgoing) => outgoing.end("plain")).on("upgrade", upgrade),
};

describe.each(Object.entries(handlers))(
  "a handler of the style %s with a listener of upgrade",
  (_style, make) => {
    it("gives the connection to the listener", async () => {
      const tunnel = await callHandler(make(tellsWhatItSees), asks).tunnel;
      expect(await textOf(tunnel)).toBe(`${switching}/ws|true|true||head`);
    });

    it("gives the listener the body of the request", async () => {
      const request = { ...asks, method: "POST", body: '{"exec":1}' };
      const tunnel = await callHandler(make(tellsWhatItSees), request).tunnel;
      expect(await textOf(tunnel)).toBe(`${switching}/ws|true|true|{"exec":1}|head`);
    });

    it("refuses a body that is too long to be held", async () => {
      const body = Buffer.alloc(upgradeBodyBytesMax + 1);
      const call = callHandler(make(tellsWhatItSees), { ...asks, method: "POST", body });
      expect((await call.response).status).toBe(413);
    });

    it("answers as without the listener where no upgrade is asked for, or none is possible", async () => {
      for (const request of [
        { ...asks, headers: {} },
        { ...asks, hijackable: false },
      ]) {
        const call = callHandler(make(tellsWhatItSees), request);
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        expect(await (await call.response).text()).toBe("plain");
      }
    });

    it("breaks the connection where the listener throws", async () => {
      const call = callHandler(
        make(() => {
          throw new Error("no");
        }),
        asks,
      );
      const tunnel = await call.tunnel;
      await expect(textOf(tunnel)).rejects.toMatchObject({ code: "ERR_STREAM_PREMATURE_CLOSE" });
    });
  },
);

it.each(["serveHTTP", "fetch", "node"])(
  "breaks the connection where the promise of a listener beside %s rejects",
  async (style) => {
    const call = callHandler(
      handlers[style]!(() => Promise.reject(new Error("no"))),
      asks,
    );
    await expect(textOf(await call.tunnel)).rejects.toMatchObject({
      code: "ERR_STREAM_PREMATURE_CLOSE",
    });
  },
);

it("asks the callback of a server whether it should upgrade", async () => {
  const server = createServer((_incoming, outgoing) => outgoing.end("plain"));
  Object.assign(server, {
    shouldUpgradeCallback: ({ url }: { url: string }) => url === "/ws",
  });
  server.on("upgrade", tellsWhatItSees);
  expect(await textOf(await callHandler(server, asks).tunnel)).toContain("/ws|true|true||head");
  const refused = callHandler(server, { ...asks, url: "/other" });
  expect(await (await refused.response).text()).toBe("plain");
});

it("finds listeners that middleware adds to the server of a listener", async () => {
  const handler: PluginHandler = {
    node(incoming, outgoing) {
      const { server } = incoming.socket as unknown as { server: Server };
      server.on("upgrade", tellsWhatItSees);
      outgoing.end();
    },
  };
  const serveHTTP = (await import("./to-serve-http.js")).toServeHTTP(handler);
  await (await callHandler({ serveHTTP }).response).text();
  expect(await textOf(await callHandler({ serveHTTP }, asks).tunnel)).toContain(
    "/ws|true|true||head",
  );
});

async function textOf(tunnel: Duplex): Promise<string> {
  return Buffer.concat((await tunnel.toArray()) as Buffer[]).toString();
}
