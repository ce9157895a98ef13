import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { setTimeout as delay } from "node:timers/promises";
import { certificate, type TemporaryDirectory } from "@servehttp/testkit";
import type { ApiServerPrograms } from "./built-api-server.js";

/** How long a program may take to start, in milliseconds. */
const startMsMax = 120_000;

/** What the API server has answered. */
export interface ApiResponse {
  readonly status: number;
  readonly text: string;
}

/** An API server of Kubernetes with its store, on a network of its own. */
export class TestCluster implements AsyncDisposable {
  readonly port = 6_443;
  /** The certificate of the API server, which signs for itself. */
  readonly ca: string;
  readonly #programs: ApiServerPrograms;
  readonly #directory: TemporaryDirectory;
  readonly #advertised: string;
  #etcd: ChildProcess | undefined;
  #apiServer: ChildProcess | undefined;

  private constructor(
    programs: ApiServerPrograms,
    directory: TemporaryDirectory,
    advertised: string,
  ) {
    this.#programs = programs;
    this.#advertised = advertised;
    this.#directory = directory;
    const { cert, key } = certificate();
    this.ca = cert;
    this.#write("tls.crt", cert);
    this.#write("tls.key", key);
    this.#write("tokens.csv", 'admin-token,admin,admin,"system:masters"\n');
    const at = (name: string) => directory.at(name);
    execFileSync("openssl", ["genrsa", "-out", at("sa.key"), "2048"], { stdio: "ignore" });
    execFileSync("openssl", ["rsa", "-in", at("sa.key"), "-pubout", "-out", at("sa.pub")], {
      stdio: "ignore",
    });
  }

  /** @param advertised an address of this machine that is not 127.0.0.1 */
  static async start(
    programs: ApiServerPrograms,
    directory: TemporaryDirectory,
    advertised: string,
  ): Promise<TestCluster> {
    const cluster = new TestCluster(programs, directory, advertised);
    await cluster.startEtcd();
    await cluster.startApiServer();
    return cluster;
  }

  async startEtcd(): Promise<void> {
    const client = "http://127.0.0.1:2379";
    const peer = "http://127.0.0.1:2380";
    this.#etcd = this.#spawn("etcd", this.#programs.etcd, [
      `--data-dir=${this.#directory.at("etcd")}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
    ]);
    const isUp = () =>
      fetch(`${client}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
    await this.#until(isUp, "etcd", this.#etcd);
  }

  async startApiServer(): Promise<void> {
    const at = (name: string) => this.#directory.at(name);
    this.#apiServer = this.#spawn("kube-apiserver", this.#programs.apiServer, [
      "--etcd-servers=http://127.0.0.1:2379",
      "--bind-address=127.0.0.1",
      `--secure-port=${this.port}`,
      `--advertise-address=${this.#advertised}`,
      "--endpoint-reconciler-type=none",
      `--tls-cert-file=${at("tls.crt")}`,
      `--tls-private-key-file=${at("tls.key")}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-key-file=${at("sa.pub")}`,
      `--service-account-signing-key-file=${at("sa.key")}`,
      "--service-cluster-ip-range=198.51.100.0/24",
      "--authorization-mode=RBAC",
      `--token-auth-file=${at("tokens.csv")}`,
    ]);
    const isUp = async () =>
      (await this.ask("GET", "/readyz").catch(() => undefined))?.status === 200;
    await this.#until(isUp, "kube-apiserver", this.#apiServer);
  }

  /** Kills it as a machine does that loses its power. */
  async killApiServer(): Promise<void> {
    await ended(this.#apiServer, "SIGKILL");
  }

  async killEtcd(): Promise<void> {
    await ended(this.#etcd, "SIGKILL");
  }

  /** Asks as an administrator. @throws Error for a status of 400 and more, but for GET */
  async ask(method: string, path: string, body?: unknown): Promise<ApiResponse> {
    const response = await this.askAs("admin-token", method, path, body);
    if (method !== "GET" && response.status >= 400) {
      throw new Error(`${method} ${path}: ${response.text}`);
    }
    return response;
  }

  /** Asks with a token, and reads for at most `readMs`, which a watch needs. */
  async askAs(
    token: string,
    method: string,
    path: string,
    body?: unknown,
    readMs?: number,
  ): Promise<ApiResponse> {
    const asked = request({
      host: "127.0.0.1",
      port: this.port,
      path,
      method,
      ca: this.ca,
      agent: false,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    const timer = setTimeout(() => response.destroy(), readMs ?? startMsMax);
    let text = "";
    try {
      for await (const chunk of response.setEncoding("utf8")) {
        text += String(chunk);
      }
    } catch (thrown) {
      if (readMs === undefined) {
        throw thrown;
      }
    } finally {
      clearTimeout(timer);
    }
    return { status: response.statusCode ?? 0, text };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await ended(this.#apiServer, "SIGKILL");
    await ended(this.#etcd, "SIGKILL");
  }

  #write(name: string, text: string): void {
    writeFileSync(this.#directory.at(name), text, { mode: 0o600 });
  }

  #spawn(name: string, program: string, flags: readonly string[]): ChildProcess {
    const log = openSync(this.#directory.at(`${name}.log`), "a");
    return spawn(program, flags, { stdio: ["ignore", log, log] });
  }

  async #until(isUp: () => Promise<boolean>, name: string, child: ChildProcess): Promise<void> {
    for (const startedMs = performance.now(); !(await isUp());) {
      if (child.exitCode !== null || performance.now() - startedMs > startMsMax) {
        const log = readFileSync(this.#directory.at(`${name}.log`), "utf8");
        throw new Error(`${name} does not start: ${log.slice(-2_000)}`);
      }
      await delay(100);
    }
  }
}

/** Ends a process, and waits for that. */
export async function ended(
  child: ChildProcess | undefined,
  signal: NodeJS.Signals,
): Promise<void> {
  if (child !== undefined && child.exitCode === null && child.signalCode === null) {
    const exit = once(child, "exit");
    child.kill(signal);
    await exit;
  }
}
