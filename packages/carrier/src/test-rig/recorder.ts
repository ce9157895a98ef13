import type { PartReceiver, ServeHTTPError, Unsent } from "@servehttp/contract";
import { until } from "@servehttp/testkit";

interface BodyParts {
  chunk?: Uint8Array;
  tunnelChunk?: Uint8Array;
  end?: unknown;
  tunnelEnd?: true;
}

/**
 * A receiver that records what comes and checks that the carrier keeps the rules of `PartReceiver`.
 * It takes parts at once, unless it is told to hold them.
 */
export class Recorder<Parts extends BodyParts> implements PartReceiver<Parts> {
  readonly parts: Parts[] = [];
  /** What the carrier must not do, and did. */
  readonly faults: string[] = [];
  aborted: ServeHTTPError | undefined;
  /** What it may be sent again, as it was told with the abort. */
  unsent: Unsent | undefined;
  bytes = 0;
  /** Called with all parts, before they are taken. */
  onParts: ((parts: Parts) => void) | undefined;
  #holds = false;
  #pending: PromiseWithResolvers<void> | undefined;

  receive(parts: Parts): void | Promise<void> {
    if (this.aborted !== undefined) {
      this.faults.push("receive after abort");
    }
    if (this.#pending !== undefined) {
      this.faults.push("receive while a promise of it is pending");
    }
    this.parts.push(parts);
    this.bytes += (parts.chunk?.length ?? 0) + (parts.tunnelChunk?.length ?? 0);
    this.onParts?.(parts);
    if (!this.#holds) {
      return undefined;
    }
    this.#pending = Promise.withResolvers<void>();
    return this.#pending.promise;
  }

  abort(error: ServeHTTPError, unsent?: Unsent): void {
    if (this.aborted !== undefined) {
      this.faults.push("abort twice");
    }
    this.aborted = error;
    this.unsent = unsent;
  }

  /** From now on parts are taken only when `release` is called. */
  hold(): void {
    this.#holds = true;
  }

  /** Takes what it holds, and all that comes. */
  release(): void {
    this.#holds = false;
    this.takeOne();
  }

  /** Takes what it holds, and goes on to hold. */
  takeOne(): void {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.resolve();
  }

  get holding(): boolean {
    return this.#pending !== undefined;
  }

  get ended(): boolean {
    return this.parts.some((parts) => parts.end !== undefined);
  }

  get tunnelEnded(): boolean {
    return this.parts.some((parts) => parts.tunnelEnd === true);
  }

  /** All bytes of the body and of the tunnel. */
  get body(): Buffer {
    return Buffer.concat(
      this.parts.flatMap(({ chunk, tunnelChunk }) =>
        [chunk, tunnelChunk].filter((octets) => octets !== undefined),
      ),
    );
  }

  async untilEnded(): Promise<void> {
    await until(() => this.ended || this.aborted !== undefined, "an end");
    if (this.aborted !== undefined) {
      throw this.aborted;
    }
  }

  async untilAborted(): Promise<ServeHTTPError> {
    await until(() => this.aborted !== undefined, "an abort");
    return this.aborted as ServeHTTPError;
  }
}
