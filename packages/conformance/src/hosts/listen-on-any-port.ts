import { type AddressInfo, Server } from "node:net";

// Loaded before a program of the docs (`node --import`), so that the program runs unchanged. It
// gets a free port in place of 8080, and prints which.

const documentedPort = 8080;
// oxlint-disable-next-line typescript/unbound-method -- applied to the server below
const listen = Server.prototype.listen as (this: Server, ...args: readonly unknown[]) => Server;

Server.prototype.listen = function listenOnAnyPort(this: Server, ...args: readonly unknown[]) {
  this.once("listening", () => {
    const address = this.address() as AddressInfo | null;
    process.stdout.write(`port ${address?.port}\n`);
  });
  return listen.apply(this, args.map(withAnyPort));
};

function withAnyPort(argument: unknown): unknown {
  if (argument === documentedPort) {
    return 0;
  }
  const isOptions = typeof argument === "object" && argument !== null && "port" in argument;
  return isOptions && argument.port === documentedPort ? { ...argument, port: 0 } : argument;
}
