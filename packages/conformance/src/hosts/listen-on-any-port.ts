import { type AddressInfo, Server } from "node:net";

// Loaded in front of a program of the docs (`node --import`), so that it runs to the letter: whoever listens on 8080 gets a port
// that is free, and a line on stdout says which.

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
