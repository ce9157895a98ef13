import { lstatSync, readdirSync, rmSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { CommandError, failed } from "../context/command-error.js";
import type { ControlFailure, HostStatus } from "./control-api.js";
import { runtimeDirectoryProblem, userId } from "./runtime-directory.js";

/** A host that this user runs, by its control socket. */
export class ControlClient {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Asks, and resolves with the answer's JSON.
   *
   * @throws CommandError as the host says
   */
  async ask<Answer>(method: "GET" | "POST", path: string, body?: object): Promise<Answer> {
    const response = await this.open(method, path, body);
    return JSON.parse(await text(response)) as Answer;
  }

  /** The same for an answer that is read as it comes. */
  async open(method: "GET" | "POST", path: string, body?: object): Promise<IncomingMessage> {
    const content = body === undefined ? "" : JSON.stringify(body);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = request({ socketPath: this.#path, method, path }, resolve);
      asked.once("error", reject).end(content);
    });
    if (response.statusCode !== 200) {
      const { error, exitCode } = JSON.parse(await text(response)) as ControlFailure;
      throw new CommandError(exitCode, error);
    }
    return response;
  }
}

/**
 * Finds the host that is meant: the one with that process, the one that was started in this
 * directory, or the only one.
 *
 * @throws CommandError where there is none, or several
 */
export async function findHost(
  directory: string,
  { pid, cwd }: { readonly pid: number | undefined; readonly cwd: string },
): Promise<ControlClient> {
  const hosts = await runningHosts(directory);
  const here = hosts.filter(({ status }) => status.directory === cwd);
  const meant =
    pid !== undefined
      ? hosts.filter(({ status }) => status.pid === pid)
      : here.length > 0
        ? here
        : hosts;
  const [found, ...others] = meant;
  if (found === undefined) {
    throw failed(
      pid === undefined ? "no host of yours runs" : `no host of yours is process ${pid}`,
    );
  }
  if (others.length > 0) {
    const list = meant.map(({ status }) => `${status.pid} in ${status.directory}`).join(", ");
    throw new CommandError(2, `several hosts run: --pid says which: ${list}`);
  }
  return found.client;
}

interface FoundHost {
  readonly client: ControlClient;
  readonly status: HostStatus;
}

async function runningHosts(directory: string): Promise<readonly FoundHost[]> {
  if (lstatSync(directory, { throwIfNoEntry: false }) === undefined) {
    return [];
  }
  const problem = runtimeDirectoryProblem(directory);
  if (problem !== undefined) {
    throw failed(`${directory} ${problem}`);
  }
  const found = await Promise.all(
    readdirSync(directory)
      .filter((name) => name.endsWith(".sock"))
      .map((name) => hostAt(join(directory, name))),
  );
  return found.filter((host) => host !== undefined);
}

/** A socket that nobody listens to any more was left by a host that was killed; it is removed. */
async function hostAt(path: string): Promise<FoundHost | undefined> {
  if (lstatSync(path, { throwIfNoEntry: false })?.uid !== userId()) {
    return undefined;
  }
  const client = new ControlClient(path);
  try {
    return { client, status: await client.ask<HostStatus>("GET", "/status") };
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ECONNREFUSED") {
      rmSync(path, { force: true });
    }
    return undefined;
  }
}
