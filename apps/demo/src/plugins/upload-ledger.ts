/** How an upload stands, or how it ended. */
export type UploadOutcome =
  | { readonly state: "running" }
  | { readonly state: "stored"; readonly sha256: string | null }
  /** The body was cut before its end; the reason is the bridge's code, such as `client-disconnected`. */
  | { readonly state: "cancelled"; readonly reason: string }
  /** The plugin could not store it; the reason is the system's code, such as `ENOSPC`. */
  | { readonly state: "failed"; readonly reason: string };

/** One upload: the plugin reports on it here as it goes. */
export interface Upload {
  readonly id: number;
  readonly name: string;
  /** Null where the client did not say. */
  readonly expectedBytes: number | null;
  readonly startedAtUnixMs: number;
  receivedBytes: number;
  outcome: UploadOutcome;
}

/**
 * Uploads that the ledger remembers after they ended. Those that run are all there, however many.
 */
const endedUploadsMax = 20;

/**
 * What became of the uploads, newest first: the plugin's own view, which the page shows beside the
 * browser's.
 */
export class UploadLedger {
  readonly #now: () => number;
  #lastId = 0;
  #uploads: Upload[] = [];

  /** Takes the clock: milliseconds since the Unix epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get uploads(): readonly Readonly<Upload>[] {
    return this.#uploads;
  }

  begin(name: string, expectedBytes: number | undefined): Upload {
    const upload: Upload = {
      id: ++this.#lastId,
      name,
      expectedBytes: expectedBytes ?? null,
      startedAtUnixMs: this.#now(),
      receivedBytes: 0,
      outcome: { state: "running" },
    };
    let ended = 0;
    this.#uploads = [upload, ...this.#uploads].filter(
      ({ outcome }) => outcome.state === "running" || ++ended <= endedUploadsMax,
    );
    return upload;
  }
}
