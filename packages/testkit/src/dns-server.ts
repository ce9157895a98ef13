import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { TemporaryDirectory } from "./temporary-directory.js";

/**
 * A real DNS server, Debian's Knot DNS, for one zone whose records the test changes. Its answers are
 * those of an authority, over UDP and TCP.
 */
export class DnsServer implements AsyncDisposable {
  /** `"127.0.0.1:5353"` */
  readonly address: string;
  readonly #zone: string;
  readonly #directory: TemporaryDirectory;
  readonly #process: ChildProcess;
  #serial = 1;

  private constructor(
    address: string,
    zone: string,
    directory: TemporaryDirectory,
    process: ChildProcess,
  ) {
    this.address = address;
    this.#zone = zone;
    this.#directory = directory;
    this.#process = process;
  }

  /** @param zone a name without the dot at its end, `"fleet.test"`; it has no records at first */
  static async start(zone: string): Promise<DnsServer> {
    await using failed = new AsyncDisposableStack();
    const directory = failed.use(await TemporaryDirectory.make());
    const port = await freePort();
    writeFileSync(directory.at("zone"), zoneFile(zone, 1, []));
    writeFileSync(directory.at("knot.conf"), config(directory.path, zone, port));
    mkdirSync(directory.at("run"));
    mkdirSync(directory.at("db"));
    const path = `${process.env["PATH"] ?? ""}:/usr/sbin`;
    const server = spawn("knotd", ["--config", directory.at("knot.conf")], {
      env: { ...process.env, PATH: path },
      stdio: ["ignore", "ignore", "inherit"],
    });
    await once(server, "spawn");
    failed.defer(() => void server.kill("SIGKILL"));
    const dns = new DnsServer(`127.0.0.1:${port}`, zone, directory, server);
    await dns.#served();
    failed.move();
    return dns;
  }

  /**
   * Replaces all records of the zone, and resolves when the server answers by them.
   *
   * @param records as a zone file has them, relative to the zone: `"search 1 A 127.0.0.2"`
   */
  async set(records: readonly string[]): Promise<void> {
    this.#serial += 1;
    writeFileSync(this.#directory.at("zone"), zoneFile(this.#zone, this.#serial, records));
    this.#process.kill("SIGHUP");
    await this.#served();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const exited = once(this.#process, "exit");
      this.#process.kill("SIGKILL");
      await exited;
    }
    await this.#directory[Symbol.asyncDispose]();
  }

  async #served(): Promise<void> {
    const resolver = new Resolver({ timeout: 500, tries: 1 });
    resolver.setServers([this.address]);
    for (let tries = 0; tries < triesMax; tries += 1) {
      const soa = await resolver.resolveSoa(this.#zone).catch(() => undefined);
      if (soa?.serial === this.#serial) {
        return;
      }
      await delay(pollMs);
    }
    throw new Error(`the DNS server at ${this.address} does not serve ${this.#zone} as it should`);
  }
}

const pollMs = 20;
const triesMax = 500;

/** What answers are forgotten after, in seconds, where there is nothing. */
const negativeSeconds = 1;

function zoneFile(zone: string, serial: number, records: readonly string[]): string {
  return [
    `$ORIGIN ${zone}.`,
    "$TTL 1",
    `@ SOA ns hostmaster ${serial} 3600 600 86400 ${negativeSeconds}`,
    "@ NS ns",
    "ns A 127.0.0.1",
    ...records,
    "",
  ].join("\n");
}

function config(directory: string, zone: string, port: number): string {
  return `
server:
    rundir: "${directory}/run"
    listen: 127.0.0.1@${port}
database:
    storage: "${directory}/db"
log:
  - target: stderr
    any: error
zone:
  - domain: ${zone}
    file: "${directory}/zone"
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
`;
}

/** A port that nobody listens at now. */
async function freePort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return port;
}
