import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { certificate } from "./certificate.js";
import { TemporaryDirectory } from "./temporary-directory.js";

/** How two ends are connected. */
export type Transport = "unix" | "tcp" | "tls";

/** Both ends of a connection in this process. */
export class ConnectedSockets implements AsyncDisposable {
  readonly host: Socket;
  readonly plugin: Socket;
  readonly #opened: AsyncDisposableStack;
  readonly #unclosed = new Set<Socket>();

  private constructor(host: Socket, plugin: Socket, opened: AsyncDisposableStack) {
    this.host = host;
    this.plugin = plugin;
    this.#opened = opened;
    for (const socket of [host, plugin]) {
      this.#unclosed.add(socket);
      socket.once("close", () => this.#unclosed.delete(socket));
    }
  }

  /** Whether both have emitted `close`. */
  get closed(): boolean {
    return this.#unclosed.size === 0;
  }

  static async open(transport: Transport = "unix"): Promise<ConnectedSockets> {
    await using opened = new AsyncDisposableStack();
    const pem = transport === "tls" ? certificate() : undefined;
    const server: Server = opened.adopt(
      pem === undefined ? createServer() : createTlsServer({ ALPNProtocols: ["h2"], ...pem }),
      (one) => void one.close(),
    );
    const accepted = once(server, pem === undefined ? "connection" : "secureConnection");
    let host: Socket;
    if (transport === "unix") {
      const path = opened.use(await TemporaryDirectory.make()).socketPath;
      await once(server.listen(path), "listening");
      host = connect({ path });
    } else {
      await once(server.listen(0, "127.0.0.1"), "listening");
      const { port } = server.address() as AddressInfo;
      const address = { host: "127.0.0.1", port };
      host =
        pem === undefined
          ? connect(address)
          : connectTls({ ...address, ca: pem.cert, ALPNProtocols: ["h2"] });
    }
    opened.adopt(host, (one) => void one.destroy());
    const [plugin] = (await accepted) as [Socket];
    opened.adopt(plugin, (one) => void one.destroy());
    if (host.connecting) {
      await once(host, "connect");
    }
    return new ConnectedSockets(host, plugin, opened.move());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened.disposeAsync();
  }
}
