import type { Logger } from "@servehttp/contract";
import type { RequestObserver } from "../observation/request-observer.js";
import type { AccessLogSettings } from "../options/options.js";
import { accessRecord } from "./access-record.js";
import { combinedLine } from "./combined-line.js";
import { type LoggedRequest, writeJsonLine } from "./json-line.js";
import { LineWriter } from "./line-writer.js";
import { openDestination } from "./log-destination.js";

/** What an access log needs of its host. */
export interface AccessLogOptions {
  /** Names of query parameters that must not get into a line, by `parameterNames`. */
  readonly secretParameters: ReadonlySet<string>;
  /** Gets the records in JSON that have no place of their own, and what goes wrong. */
  readonly logger: Required<Logger>;
  /** From 0 to less than 1. Default: `Math.random` */
  readonly random?: () => number;
}

/** Writes one line for each request that is over. */
export class AccessLog implements RequestObserver {
  readonly #settings: AccessLogSettings;
  readonly #options: AccessLogOptions;
  readonly #random: () => number;
  /** Undefined where the host's logger gets the records. */
  readonly #writer: LineWriter | undefined;

  /** @throws ServeHTTPError `invalid-argument` for a file that can't be opened */
  constructor(settings: AccessLogSettings, options: AccessLogOptions) {
    const { format, to } = settings;
    this.#settings = settings;
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#writer =
      format === "json" && to === undefined
        ? undefined
        : new LineWriter(openDestination(to), options.logger);
  }

  over(request: LoggedRequest): void {
    const { format, sample, slowerThanMs } = this.#settings;
    if ((request.totalMs ?? 0) < slowerThanMs || (sample < 1 && this.#random() >= sample)) {
      return;
    }
    if (this.#writer === undefined) {
      this.#options.logger.info(accessRecord(request), "request");
    } else if (format === "combined") {
      this.#writer.write(combinedLine(request, this.#options.secretParameters, Date.now()));
    } else {
      writeJsonLine(this.#writer, request, Date.now());
    }
  }

  /** Writes what has been collected. */
  flush(): void {
    this.#writer?.flush();
  }

  /** Writes what has been collected, and lets go of its file. */
  close(): void {
    this.#writer?.close();
  }
}
