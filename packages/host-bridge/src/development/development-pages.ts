import type { ServeHTTPError } from "@servehttp/contract";
import type { ClientResponse } from "../client/client-response.js";
import type { IncomingRequest } from "../client/incoming-request.js";
import type { ResponseHead } from "../edge/response-head.js";
import { failureOf, proxyStatus } from "../exchange/failure.js";
import { failurePage, failureText } from "./failure-page.js";
import { LiveResponse } from "./live-response.js";
import { eventsPath, liveScript, scriptPath, scriptTag } from "./live-script.js";

/** What is on for whoever develops plugins. */
export interface DevelopmentSettings {
  readonly failurePages: boolean;
  readonly liveReload: boolean;
}

/** What must be known of a plugin: `PluginStatus` has it. */
export interface PluginFacts {
  readonly id: string;
  readonly state: string;
  readonly pid: number | undefined;
  readonly since: Date;
  readonly failures: readonly {
    readonly at: Date;
    readonly message: string;
    readonly stderr: readonly string[];
  }[];
}

/** Where a request is for. */
export interface PageRoute {
  readonly pluginId: string;
  readonly url: string;
  readonly basePath: string;
  readonly fullPath: boolean;
}

/** A page that waits for news of its plugin. */
interface Listener {
  readonly pluginId: string;
  readonly response: ClientResponse;
}

/** What a host shows to whoever develops plugins: why one is not there, and new pages by themselves. */
export class DevelopmentPages {
  readonly #settings: DevelopmentSettings;
  readonly #listeners = new Set<Listener>();
  /** What is known of each plugin, by its id. */
  readonly #known = new Map<string, PluginFacts>();
  /** Of the processes that serve each plugin. */
  readonly #generations = new Map<string, string>();

  constructor(settings: DevelopmentSettings) {
    this.#settings = settings;
  }

  /** Takes what is new of a plugin, and tells its pages. */
  observe(plugin: PluginFacts): void {
    const { id, state, pid, since } = plugin;
    const before = this.#known.get(id)?.failures.at(-1);
    const failure = plugin.failures.at(-1);
    this.#known.set(id, plugin);
    if (failure !== undefined && failure.at.getTime() !== before?.at.getTime()) {
      const text = [failure.message, ...failure.stderr].join("\n");
      this.#tell(id, "failure", JSON.stringify(text));
    }
    const generation = `${pid ?? 0}-${since.getTime()}`;
    if (state === "ready" && this.#generations.get(id) !== generation) {
      this.#generations.set(id, generation);
      this.#tell(id, "generation", generation);
    }
  }

  /** Whether a request is for the script or its events, which `serve` serves. */
  isFor(route: PageRoute): boolean {
    const path = ownPath(route);
    return this.#settings.liveReload && (path === eventsPath || path === scriptPath);
  }

  /** Serves the script and its events. */
  serve(request: IncomingRequest, route: PageRoute): void {
    const response = request.openResponse(false);
    if (ownPath(route) === scriptPath) {
      const body = Buffer.from(liveScript);
      response.respond(head(200, "text/javascript", body.length, request.method), body, []);
      return;
    }
    const listener: Listener = { pluginId: route.pluginId, response };
    response.begin(head(200, "text/event-stream", undefined, request.method));
    send(response, "generation", this.#generations.get(route.pluginId) ?? "none");
    this.#listeners.add(listener);
    request.onClose({ clientClosed: () => this.#listeners.delete(listener) });
  }

  /** Makes a response to a browser one that gets the script if it is a page. */
  live(
    response: ClientResponse,
    request: IncomingRequest,
    pluginId: string,
    basePath: string,
  ): ClientResponse {
    return this.#settings.liveReload && wantsPage(request)
      ? new LiveResponse(response, this.#tag(pluginId, basePath))
      : response;
  }

  /** Shows why a plugin is not there. Returns false where that is left to the usual answer. */
  showFailure(
    request: IncomingRequest,
    route: PageRoute,
    error: ServeHTTPError,
    openResponse: () => ClientResponse,
  ): boolean {
    const plugin = this.#known.get(route.pluginId);
    const { proxyError, retryAfterSeconds, status } = failureOf(error);
    if (!this.#settings.failurePages || plugin === undefined || status !== 503 || request.closed) {
      return false;
    }
    const failure = plugin.failures.at(-1);
    const facts = {
      pluginId: plugin.id,
      state: plugin.state,
      message: failure?.message,
      stderr: failure?.stderr ?? [],
    };
    const isPage = wantsPage(request);
    const tag = this.#settings.liveReload ? this.#tag(plugin.id, route.basePath) : "";
    const body = Buffer.from(isPage ? failurePage(facts, tag) : failureText(facts));
    const type = isPage ? "text/html; charset=utf-8" : "text/plain; charset=utf-8";
    const retry = String(retryAfterSeconds ?? 1);
    const more = ["Proxy-Status", proxyStatus(proxyError), "Retry-After", retry];
    const answered = head(status, type, body.length, request.method, more);
    openResponse().respond(answered, body, []);
    return true;
  }

  /** Ends the event streams of pages. */
  close(): void {
    for (const { response } of this.#listeners) {
      response.end([]);
    }
    this.#listeners.clear();
  }

  #tag(pluginId: string, basePath: string): string {
    return scriptTag(basePath, this.#generations.get(pluginId) ?? "none");
  }

  #tell(pluginId: string, event: string, data: string): void {
    for (const listener of this.#listeners) {
      if (listener.pluginId === pluginId) {
        send(listener.response, event, data);
      }
    }
  }
}

/** Where the request is behind the plugin's base path, without a query. */
function ownPath({ basePath, fullPath, url }: PageRoute): string {
  const [path = ""] = url.split("?");
  return fullPath ? path.slice(basePath.length) : path;
}

/** Whether a browser asks for a page to show, and not for a piece of one. */
function wantsPage({ method, rawHeaders }: IncomingRequest): boolean {
  let accept = "";
  let destination = "document";
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase();
    if (name === "accept") {
      accept += rawHeaders[at + 1];
    } else if (name === "sec-fetch-dest") {
      destination = rawHeaders[at + 1] ?? "";
    } else if (name === "upgrade") {
      return false;
    }
  }
  const isShown = ["document", "iframe", "frame"].includes(destination);
  return method !== "HEAD" && method !== "CONNECT" && isShown && accept.includes("text/html");
}

function head(
  status: number,
  type: string,
  contentLength: number | undefined,
  method: string,
  more: readonly string[] = [],
): ResponseHead {
  const fields = ["Content-Type", type, "Cache-Control", "no-store", ...more];
  fields.push("X-Content-Type-Options", "nosniff");
  if (contentLength !== undefined) {
    fields.push("Content-Length", String(contentLength));
  }
  const bodyAllowed = method !== "HEAD";
  return { status, fields, contentLength, bodyAllowed, announcesTrailers: false };
}

function send(response: ClientResponse, event: string, data: string): void {
  if (!response.closed) {
    void response.write(Buffer.from(`event: ${event}\ndata: ${data}\n\n`));
    response.flush();
  }
}
