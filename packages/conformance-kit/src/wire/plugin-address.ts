import { connect as connectTcp, type NetConnectOpts, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { once } from "node:events";

/** Where a plugin listens: `unix:/path`, `http://host:port` or `https://host:port`. */
export interface PluginAddress {
  readonly text: string;
  readonly target: NetConnectOpts;
  readonly tls: boolean;
}

/** Reads an address. Undefined where the text is none, and then it is a command. */
export function readAddress(text: string): PluginAddress | undefined {
  if (text.startsWith("unix:")) {
    return { text, target: { path: text.slice("unix:".length) }, tls: false };
  }
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    return undefined;
  }
  const url = new URL(text);
  const tls = url.protocol === "https:";
  const port = url.port === "" ? (tls ? 443 : 80) : Number(url.port);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return { text, target: { host, port }, tls };
}

/** Connects to it. Rejects where nobody listens. */
export async function connectTo({ target, tls }: PluginAddress): Promise<Socket> {
  const servername = "host" in target ? (target.host ?? "") : "";
  const socket = tls
    ? connectTls({
        ...target,
        ALPNProtocols: ["h2"],
        ...(/[a-z]/i.test(servername) && { servername }),
      })
    : connectTcp(target);
  await once(socket, tls ? "secureConnect" : "connect");
  socket.setNoDelay(true);
  return socket;
}
