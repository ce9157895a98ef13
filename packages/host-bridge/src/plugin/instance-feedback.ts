import type { ServeHTTPError } from "@servehttp/contract";
import type { Balance } from "../balance/balance.js";
import type { BalancedConnection, Candidate } from "../balance/candidate.js";
import type { Clock } from "../process/clock.js";
import { instanceFault } from "./instance-fault.js";

/** What an exchange knows of its time. */
export interface TimedExchange {
  /** How long it has been since the last of the request went to the plugin, in milliseconds. */
  readonly sinceSentMs: number;
  /** Whether the plugin had the whole request, or did not read it, and gave no head. */
  readonly awaitedPlugin: boolean;
}

/** Tells the balance what comes of the exchanges on one connection. */
export class InstanceFeedback<Connection extends BalancedConnection> {
  readonly #balance: Balance<Connection>;
  readonly #candidate: Candidate<Connection>;
  readonly #clock: Clock;

  constructor(balance: Balance<Connection>, candidate: Candidate<Connection>, clock: Clock) {
    this.#balance = balance;
    this.#candidate = candidate;
    this.#clock = clock;
  }

  isOf(candidate: Candidate<Connection>): boolean {
    return this.#candidate === candidate;
  }

  /** The head of a response has come. */
  headed(status: number, { sinceSentMs }: TimedExchange): void {
    this.#balance.answered(this.#candidate, status, sinceSentMs, this.#clock.nowMs());
  }

  /** The plugin has taken a connection over. */
  tunnelled(): void {
    this.#balance.succeeded(this.#candidate, this.#clock.nowMs());
  }

  failed(error: ServeHTTPError, { awaitedPlugin }: TimedExchange): void {
    const fault = instanceFault(error, awaitedPlugin);
    if (fault !== undefined) {
      this.#balance.failed(this.#candidate, fault, this.#clock.nowMs());
    }
  }
}
