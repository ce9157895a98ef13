import type {
  ExchangePage,
  HostInfo,
  LogLevel,
  Plugin,
  PluginDetail,
  Problem,
} from "@servehttp/admin";
import { readEvents, type ServerSentEvent } from "./read-events.js";

/** What may be done to a plugin. */
export type PluginAction = "reload" | "restart" | "stop" | "start";

/** What a plugin's process may be asked to tell of itself: the end of the call's path. */
export type Diagnosis = "heap-snapshot" | "cpu-profile?seconds=5";

/** Why a call failed. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** Undefined: the host did not answer. */
  readonly status: number | undefined;
  /** What the plugin said last, where it did not start. */
  readonly stderr: readonly string[];

  constructor(message: string, status?: number, stderr: readonly string[] = []) {
    super(message);
    this.status = status;
    this.stderr = stderr;
  }

  /** The host wants a token, or another one. */
  get isLocked(): boolean {
    return this.status === 401;
  }
}

/** Which of the open exchanges are asked for. */
export interface ExchangeQuery {
  readonly plugin?: string | undefined;
  readonly state?: string | undefined;
  readonly waitsFor?: string | undefined;
  /** Words that they have. */
  readonly match?: string | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
}

/** The calls of the admin API that the page makes. Each throws an `ApiError`. */
export class AdminApi {
  /** Of whoever reads the page. Undefined: the host may let them in without. */
  token: string | undefined;

  host(): Promise<HostInfo> {
    return this.#json("GET", "api/host");
  }

  plugin(id: string, signal: AbortSignal): Promise<PluginDetail> {
    return this.#json("GET", `api/plugins/${encodeURIComponent(id)}?samples=0`, { signal });
  }

  act(id: string, action: PluginAction): Promise<Plugin> {
    return this.#json("POST", `api/plugins/${encodeURIComponent(id)}/${action}`);
  }

  /** A file for Chrome DevTools. */
  async diagnose(id: string, diagnosis: Diagnosis): Promise<Blob> {
    const path = `api/plugins/${encodeURIComponent(id)}/${diagnosis}`;
    return await (await this.#request("POST", path)).blob();
  }

  exchanges(query: ExchangeQuery, signal: AbortSignal): Promise<ExchangePage> {
    const asked = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(asked.map(([name, value]) => [name, String(value)]));
    return this.#json("GET", `api/exchanges?${search}`, { signal });
  }

  async breakExchange(id: string): Promise<void> {
    await this.#request("DELETE", `api/exchanges/${encodeURIComponent(id)}`);
  }

  setLogLevel(level: LogLevel["level"]): Promise<LogLevel> {
    return this.#json("PUT", "api/log-level", { body: JSON.stringify({ level }) });
  }

  /** What happens to plugins, from now on. It ends with the connection. */
  events(signal: AbortSignal): AsyncGenerator<ServerSentEvent, void, undefined> {
    return this.#events("api/events?samples=300", signal);
  }

  /** The log of a plugin: its last records, or those behind one that came before. */
  logs(
    id: string,
    lastEventId: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<ServerSentEvent, void, undefined> {
    const path = `api/plugins/${encodeURIComponent(id)}/logs?tail=500`;
    return this.#events(path, signal, lastEventId);
  }

  async *#events(
    path: string,
    signal: AbortSignal,
    lastEventId?: string,
  ): AsyncGenerator<ServerSentEvent, void, undefined> {
    const headers: Record<string, string> = { accept: "text/event-stream" };
    if (lastEventId !== undefined) {
      headers["last-event-id"] = lastEventId;
    }
    const { body } = await this.#request("GET", path, { signal, headers });
    if (body !== null) {
      yield* readEvents(body);
    }
  }

  async #json<Answer>(method: string, path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await this.#request(method, path, init);
    return (await response.json()) as Answer;
  }

  async #request(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.token !== undefined) {
      headers.set("authorization", `Bearer ${this.token}`);
    }
    if (method !== "GET") {
      // Where the host asks for no token: says that no form of another site sends this.
      headers.set("x-servehttp-admin", "1");
    }
    if (init.body !== undefined) {
      headers.set("content-type", "application/json");
    }
    let response: Response;
    try {
      // Relative, because an application may have mounted the page anywhere.
      response = await fetch(path, { ...init, method, headers, cache: "no-store" });
    } catch (error) {
      if (init.signal?.aborted === true) {
        throw error;
      }
      throw new ApiError("The host does not answer.");
    }
    if (!response.ok) {
      throw await failureOf(response);
    }
    return response;
  }
}

async function failureOf(response: Response): Promise<ApiError> {
  const { status } = response;
  try {
    const { detail, stderr } = (await response.json()) as Problem;
    return new ApiError(detail, status, stderr);
  } catch {
    // Somebody between here and the host has answered.
    return new ApiError(`The answer was ${status}, without a reason.`, status);
  }
}
