import {
  type ExchangeChannel,
  fieldProblem,
  informationalCountMax,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { fieldsOf, HeaderList } from "../handler/header-list.js";
import { type HeadersInput, readHeaders } from "../handler/read-headers.js";
import { settledBy } from "./write-promise.js";

/**
 * The informational responses of an exchange: at most 16, one of them reserved for the 100 that a
 * waiting client needs.
 */
export class InterimResponses {
  readonly #channel: ExchangeChannel<ResponseParts>;
  #count = 0;
  #isContinueDue: boolean;

  constructor(channel: ExchangeChannel<ResponseParts>, expectContinue: boolean) {
    this.#channel = channel;
    this.#isContinueDue = expectContinue;
  }

  /** Whether the client still waits for a 100 (Continue). */
  get isContinueDue(): boolean {
    return this.#isContinueDue;
  }

  /** Sends one. Returns why that is not possible. */
  send(status: number, fields: HeadersInput): ServeHTTPError | undefined {
    if (!Number.isInteger(status) || status < 100 || status > 199 || status === 101) {
      return invalid(
        `informational(${status}): the status is 100 or 102 to 199; 101 is what hijack() is for`,
      );
    }
    if (status === 100) {
      // A client waits for one 100 at the most, and only where it has said so.
      if (!this.#isContinueDue) {
        return undefined;
      }
      this.#isContinueDue = false;
    }
    if (this.#count >= informationalCountMax - (this.#isContinueDue ? 1 : 0)) {
      return invalid(`an exchange has at most ${informationalCountMax} informational responses`);
    }
    try {
      const headers = fields instanceof HeaderList ? fieldsOf(fields) : readHeaders(fields);
      const problem = fieldProblem(headers);
      if (problem !== undefined) {
        return invalid(problem);
      }
      this.#count += 1;
      void settledBy(this.#channel.send({ informational: [{ status, headers }] }));
      return undefined;
    } catch (error) {
      return ServeHTTPError.from(error, "invalid-argument");
    }
  }
}

function invalid(message: string): ServeHTTPError {
  return new ServeHTTPError("invalid-argument", message);
}
