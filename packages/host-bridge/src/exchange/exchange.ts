import {
  type ExchangeChannel,
  type Linked,
  loggableError,
  type PartReceiver,
  plainEnd,
  type RequestInit,
  type RequestParts,
  type ResponseParts,
  ServeHTTPError,
  type Unsent,
} from "@servehttp/contract";
import type { ClientResponse } from "../client/client-response.js";
import type { CloseListener } from "../client/incoming-request.js";
import type { RequestBody } from "../client/request-body.js";
import type { EdgePolicy } from "../edge/edge-policy.js";
import {
  readInformational,
  readResponseHead,
  readResponseTrailers,
  type ResponseHead,
  type ResponseRules,
} from "../edge/response-head.js";
import { givenBackMax } from "../limits.js";
import type { Outcome } from "../observation/outcome.js";
import type { RunningExchange, WatchedRequest } from "../observation/watched-request.js";
import { bindClient, type BoundClient, type InstanceCookie } from "./bound-client.js";
import { checkLength, isWhole } from "./check-length.js";
import { ExchangeTimer, type ExchangeTimes, type ExpiryListener } from "./exchange-timer.js";
import { type Failure, failureOf, failures } from "./failure.js";
import { failureResponse } from "./failure-response.js";
import { middlewareError } from "./middleware-error.js";
import type { ExchangeProgress } from "./open-exchange.js";
import { RequestSender } from "./request-sender.js";
import { Tunnel } from "./tunnel.js";

/** What an exchange needs of the plugin that it is with. */
export interface ExchangePlugin {
  /** Opens an exchange on the plugin's carrier. */
  openExchange(receiver: PartReceiver<ResponseParts>): ExchangeChannel<RequestParts>;
  readonly chunkBytes: number;
  readonly times: ExchangeTimes;
  /** Called when the exchange has begun. */
  onBegun(exchange: Exchange): void;
  /** Called when the final head has come, so many milliseconds after the exchange began. */
  onHead(exchange: Exchange, status: number, elapsedMs: number): void;
  /** Called when that was the head of an event stream. */
  onEventStream(exchange: Exchange): void;
  /** Whether clients may be bound to an instance, by a cookie or a header. */
  readonly bindsClients: boolean;
  /** There where the host binds clients to the instance by a cookie. */
  readonly instanceCookie: InstanceCookie | undefined;
  /** Called when the client's bytes have to wait, because the plugin has not read those before. */
  onStall(): void;
  /** Called when the plugin has taken the client's connection over. */
  onTunnel(exchange: Exchange): void;
  /** Whether the plugin may take over one more connection. */
  readonly mayTunnel: boolean;
  /**
   * Gives back an exchange that never reached a handler of the plugin's: it counts here no more.
   * Calls back once, later the more often, with where it goes on, which may be here, or why it
   * doesn't. Returns what lets it leave before.
   */
  giveBack(exchange: Exchange, why: GivenBack, goOn: GoOn): () => void;
  /** Called once, at the end: how the exchange came out, and why where it failed. */
  onOver(exchange: Exchange, outcome: Outcome, error: ServeHTTPError | undefined): void;
}

/** Why an exchange was given back. */
export interface GivenBack {
  readonly error: ServeHTTPError;
  /** How often that happened to it before. */
  readonly timesBefore: number;
}

/** Takes the plugin with which an exchange goes on that was given back, or why there is none. */
export type GoOn = (next: ExchangePlugin | ServeHTTPError) => void;

/** Everything about one request that is settled before its exchange begins. */
export interface ExchangeRequest {
  readonly response: ClientResponse;
  readonly init: RequestInit;
  /** Undefined where the request has no body. */
  readonly body: RequestBody | undefined;
  readonly rules: ResponseRules;
  readonly edge: EdgePolicy;
  /** There where clients may be bound to instances. */
  readonly boundClient?: BoundClient | undefined;
  /** Called once, at the end, with why where the exchange failed. */
  readonly onOver?: OnExchangeOver | undefined;
  /** There where somebody watches the request. It stands before `response`. */
  readonly observed?: WatchedRequest | undefined;
}

/** Is told that an exchange is over, and why where it failed. */
export type OnExchangeOver = (error: ServeHTTPError | undefined) => void;

/**
 * One request with its response. Both directions run at once: the request is sent as it comes, and
 * the response is received as the plugin writes it. If the client, the plugin or the clock ends one
 * direction early, both end.
 *
 *   unanswered -> headed      [#readHead]   the final head has come; nothing has gone out
 *   unanswered -> over        [#apply]      a whole response has come at once
 *   headed     -> responding  [#begin]      the head goes out
 *   responding -> over        [#complete]   the end of the response has come
 *   unanswered -> tunnel      [#openTunnel] the plugin took the connection over
 *   tunnel     -> over        [#openTunnel] the connection is closed
 *   any        -> over        [#fail]       client left, plugin failed, time ran out, or host stops
 */
type ExchangeState =
  | { readonly name: "unanswered" }
  | { readonly name: "headed"; readonly head: ResponseHead }
  | { readonly name: "responding"; readonly head: ResponseHead }
  | { readonly name: "tunnel"; readonly tunnel: Tunnel }
  | { readonly name: "over" };

const unanswered: ExchangeState = { name: "unanswered" };
const over: ExchangeState = { name: "over" };

export class Exchange
  implements
    PartReceiver<ResponseParts>,
    CloseListener,
    ExpiryListener,
    RunningExchange,
    Linked<Exchange>
{
  readonly #what: ExchangeRequest;
  #plugin: ExchangePlugin;
  #channel: ExchangeChannel<RequestParts>;
  #timesGivenBack = 0;
  /** There once it was given back: leaves the place where it waits for another process. */
  #leave: (() => void) | undefined;
  /** Undefined where the request has no body: then it has been sent whole. */
  readonly #sender: RequestSender | undefined;
  readonly #timer: ExchangeTimer;
  #state: ExchangeState = unanswered;
  #bodyBytes = 0;
  /** Chunks that wait for the client to take them. */
  #untaken = 0;
  linkedIn: object | undefined = undefined;
  previousLinked: Exchange | undefined = undefined;
  nextLinked: Exchange | undefined = undefined;

  constructor(plugin: ExchangePlugin, what: ExchangeRequest) {
    const { body, edge, init } = what;
    this.#what = what;
    this.#plugin = plugin;
    // First: where it throws, nothing has begun.
    this.#channel = plugin.openExchange(this);
    plugin.onBegun(this);
    what.observed?.sent(this);
    this.#timer = new ExchangeTimer(plugin.times, this);
    if (body === undefined) {
      this.#sender = undefined;
      void this.#channel.send({ init, end: plainEnd });
      return;
    }
    void this.#channel.send({ init });
    this.#sender = new RequestSender(
      body,
      this.#channel,
      plugin.chunkBytes,
      (raw) => edge.readRequestTrailers(raw),
      { moved: () => this.#timer.requestMoved(), stalled: () => this.#plugin.onStall() },
    );
  }

  get init(): RequestInit {
    return this.#what.init;
  }

  /** There where clients may be bound to instances. */
  get boundClient(): BoundClient | undefined {
    return this.#what.boundClient;
  }

  /** What it does now; undefined once it is over. */
  get progress(): ExchangeProgress | undefined {
    const state = this.#state;
    if (state.name === "over") {
      return undefined;
    }
    return {
      state: state.name,
      status: "head" in state ? state.head.status : undefined,
      startedMs: this.#timer.startedMs,
      bodyBytes: this.#bodyBytes,
      clientIsSlow: this.#untaken > 0,
      sender: this.#sender,
      tunnel: state.name === "tunnel" ? state.tunnel : undefined,
    };
  }

  /** How long it has been since the last of the request went to the plugin, in milliseconds. */
  get sinceSentMs(): number {
    return this.#timer.sinceSentMs;
  }

  /** Whether the plugin had the whole request, or did not read it, and gave no head. */
  get awaitedPlugin(): boolean {
    const sender = this.#sender;
    return (
      this.#timer.awaitsHead && (sender === undefined || sender.complete || sender.pluginIsSlow)
    );
  }

  get requestBytes(): number {
    return this.#sender?.bytes ?? 0;
  }

  timeExpired(message: string): void {
    this.#giveUp(new ServeHTTPError("deadline", message));
  }

  /** A tunnel notices by itself that its connection is closed. */
  clientClosed(): void {
    if (this.#state !== over && this.#state.name !== "tunnel") {
      this.#giveUp(new ServeHTTPError("client-disconnected", "the client left"));
    }
  }

  /** Breaks the exchange off, because the host stops or the plugin goes. */
  stop(reason: ServeHTTPError): void {
    if (this.#state !== over) {
      this.#giveUp(reason);
    }
  }

  receive(parts: ResponseParts): void | Promise<void> {
    if (this.#state === over) {
      return undefined;
    }
    try {
      return this.#apply(parts);
    } catch (error) {
      this.#onThrown(error);
      return undefined;
    }
  }

  abort(error: ServeHTTPError, unsent?: Unsent): void {
    const state = this.#state;
    const parts = unsent === "not-kept" ? this.#sentHead : unsent;
    if (state.name === "tunnel" && error.code === "request-not-needed") {
      state.tunnel.close();
    } else if (state === unanswered && parts !== undefined && this.#timesGivenBack < givenBackMax) {
      this.#sendElsewhere(error, parts);
    } else if (state !== over) {
      // A plugin can't know what the client did.
      const impossible = error.code === "client-disconnected";
      this.#fail(impossible ? new ServeHTTPError("protocol-violation", error.message) : error);
    }
  }

  /** What was sent, while nothing of the body has been: undefined once there has. */
  get #sentHead(): readonly RequestParts[] | undefined {
    const { init } = this;
    if (this.#sender === undefined) {
      return [{ init, end: plainEnd }];
    }
    return this.#sender.bytes === 0 && !this.#sender.complete ? [{ init }] : undefined;
  }

  /**
   * No handler of the plugin's has seen anything of the request: sends everything to another
   * instance, or waits for one. To another one only once, and to the same one, where there is no
   * other, only so often, because a plugin may say of all requests that it does nothing with them.
   */
  #sendElsewhere(error: ServeHTTPError, unsent: readonly RequestParts[]): void {
    this.#sender?.hold();
    const timesBefore = this.#timesGivenBack;
    this.#timesGivenBack += 1;
    this.#what.observed?.givenBack();
    this.#leave = this.#plugin.giveBack(this, { error, timesBefore }, (next) => {
      if (this.#state === over) {
        return;
      }
      if (next instanceof ServeHTTPError) {
        this.#fail(next);
        return;
      }
      try {
        this.#channel = next.openExchange(this);
      } catch (thrown) {
        this.#fail(ServeHTTPError.from(thrown));
        return;
      }
      if (next !== this.#plugin) {
        this.#timesGivenBack = givenBackMax;
      }
      this.#plugin = next;
      next.onBegun(this);
      this.#what.observed?.sent(this);
      let room: void | Promise<void> = undefined;
      for (const parts of unsent) {
        room = this.#channel.send(parts);
      }
      this.#sender?.goOn(this.#channel, room);
    });
  }

  #apply(parts: ResponseParts): void | Promise<void> {
    this.#timer.responseMoved();
    if (parts.informational !== undefined) {
      for (const one of parts.informational) {
        const informational = readInformational(one, this.#what.rules);
        if (informational !== undefined) {
          this.#what.response.informational(informational.status, informational.fields);
        }
      }
    }
    if (parts.extendHeadMs !== undefined) {
      this.#timer.extendHead(parts.extendHeadMs);
    }
    if (parts.hijack === true) {
      this.#openTunnel();
    }
    if (this.#state.name === "tunnel") {
      return this.#applyToTunnel(this.#state.tunnel, parts);
    }
    if (parts.init !== undefined) {
      const read = readResponseHead(parts.init, this.#what.rules);
      const { instanceCookie } = this.#plugin;
      const client = this.boundClient;
      const head = instanceCookie && client ? bindClient(read, instanceCookie, client) : read;
      this.#plugin.onHead(this, head.status, this.#timer.elapsedMs);
      if (parts.end !== undefined && isWhole(head, parts.chunk)) {
        const trailers = readResponseTrailers(parts.end.trailers, this.#what.rules);
        this.#what.response.respond(head, parts.chunk, trailers);
        this.#finish("ok", undefined);
        this.#discardRequestBody();
        return undefined;
      }
      this.#timer.headArrived();
      if (head.isEventStream === true) {
        this.#plugin.onEventStream(this);
      }
      this.#state = { name: "headed", head };
    }
    return this.#applyToBody(parts);
  }

  #applyToBody(parts: ResponseParts): void | Promise<void> {
    const state = this.#state;
    if (state.name !== "headed" && state.name !== "responding") {
      return undefined;
    }
    const { head } = state;
    const { chunk, end, flush } = parts;
    if (state.name === "headed") {
      // While nothing has gone out, a handler's fault can still be answered.
      checkLength(head, chunk?.length ?? 0, end !== undefined);
    }
    const trailers = end && readResponseTrailers(end.trailers, this.#what.rules);
    if (state.name === "headed" && (chunk ?? end ?? flush) !== undefined) {
      this.#state = { name: "responding", head };
      this.#what.response.begin(head);
    }
    const room = chunk === undefined ? undefined : this.#write(head, chunk);
    if (flush === true) {
      this.#what.response.flush();
    }
    if (trailers !== undefined) {
      this.#complete(head, trailers);
    }
    return room;
  }

  #openTunnel(): void {
    if (!this.init.hijackable) {
      const message = "the plugin hijacked a request that was not hijackable";
      throw new ServeHTTPError("protocol-violation", message);
    }
    if (!this.#plugin.mayTunnel) {
      throw new ServeHTTPError("overload", "too many tunnels at once");
    }
    const socket = this.#what.response.hijack();
    if (socket === undefined) {
      throw new ServeHTTPError("client-disconnected", "the client left");
    }
    this.#timer.stop();
    const onStall = () => this.#plugin.onStall();
    const tunnel = new Tunnel(socket, this.#channel, this.#plugin.chunkBytes, onStall, (error) => {
      if (error === undefined && this.#state !== over) {
        this.#finish("ok", undefined);
      } else if (error !== undefined && this.#state !== over) {
        this.#giveUp(error);
      }
    });
    this.#state = { name: "tunnel", tunnel };
    this.#what.observed?.becameTunnel(tunnel);
    this.#plugin.onTunnel(this);
  }

  #applyToTunnel(tunnel: Tunnel, parts: ResponseParts): void | Promise<void> {
    const room = parts.tunnelChunk === undefined ? undefined : tunnel.write(parts.tunnelChunk);
    if (parts.tunnelEnd === true) {
      tunnel.end();
    }
    return room;
  }

  #write(head: ResponseHead, chunk: Uint8Array): void | Promise<void> {
    if (!head.bodyAllowed) {
      return undefined;
    }
    const left = (head.contentLength ?? Number.POSITIVE_INFINITY) - this.#bodyBytes;
    this.#bodyBytes += chunk.length;
    if (chunk.length > left) {
      if (left > 0) {
        void this.#what.response.write(chunk.subarray(0, left));
      }
      checkLength(head, this.#bodyBytes, false);
    }
    const room = this.#what.response.write(chunk);
    if (room === undefined) {
      return undefined;
    }
    this.#untaken += 1;
    // While the client takes its time the plugin is not idle, so idle time begins when the client
    // has taken the chunk.
    return room.then(() => {
      this.#untaken -= 1;
      this.#timer.responseMoved();
    });
  }

  #complete(head: ResponseHead, trailers: string[]): void {
    checkLength(head, this.#bodyBytes, true);
    this.#what.response.end(trailers);
    this.#finish("ok", undefined);
    this.#discardRequestBody();
  }

  /** The plugin has answered in full: the rest of the request is read and dropped. */
  #discardRequestBody(): void {
    if (this.#sender !== undefined && !this.#sender.complete) {
      this.#what.response.discardRequestBody();
    }
  }

  #onThrown(thrown: unknown): void {
    if (thrown instanceof ServeHTTPError) {
      this.#giveUp(thrown);
      return;
    }
    // The application's own middleware around the response threw. How much of the head has gone out
    // is not known.
    this.#what.response.break();
    if (this.#state !== over) {
      const error = middlewareError(thrown);
      this.#channel.reset(error);
      this.#finish(failures.internal.outcomeAfterHead, error);
    }
  }

  /** Ends the exchange from the host's side. */
  #giveUp(error: ServeHTTPError): void {
    this.#channel.reset(error);
    this.#fail(error);
  }

  #fail(error: ServeHTTPError): void {
    const state = this.#state;
    const failure = failureOf(error);
    if (state.name === "unanswered" || state.name === "headed") {
      this.#finish(failure.outcome, this.#answerFailure(failure, error));
      return;
    }
    this.#finish(failure.outcomeAfterHead, error);
    if (state.name === "tunnel") {
      state.tunnel.destroy();
    } else {
      this.#what.response.break();
    }
  }

  /** Answers in the plugin's place. Returns the error, with what middleware threw at the answer. */
  #answerFailure(failure: Failure, error: ServeHTTPError): ServeHTTPError {
    const { status } = failure;
    this.#stop();
    if (status === undefined || this.#what.response.closed) {
      return error;
    }
    const { head, body } = failureResponse(
      { ...failure, status },
      this.#what.rules.method === "HEAD",
    );
    try {
      this.#what.response.respond(head, body, []);
      this.#discardRequestBody();
      return error;
    } catch (thrown) {
      this.#what.response.break();
      const cause = loggableError(thrown);
      const message = `${error.message}; then middleware failed around the answer: ${cause.message}`;
      return new ServeHTTPError(error.code, message, { cause });
    }
  }

  #finish(outcome: Outcome, error: ServeHTTPError | undefined): void {
    this.#stop();
    this.#plugin.onOver(this, outcome, error);
    this.#what.observed?.over(outcome, error);
    this.#what.onOver?.(error);
  }

  /** Nothing more is sent, received or waited for. */
  #stop(): void {
    this.#state = over;
    this.#leave?.();
    this.#timer.stop();
    this.#sender?.stop();
    this.#what.response.release();
  }
}
