/** The body of a client's request, whatever reads the connection. It goes to one sink at a time. */
export interface RequestBody {
  /** The whole request has been read. */
  readonly complete: boolean;
  /** Known once the body has ended: name, value, name, value. */
  readonly rawTrailers: readonly string[];
  /** Gives what comes from now on to a sink. */
  start(sink: BodySink): void;
  /** Gives nothing more, and stops reading. */
  stop(): void;
  pause(): void;
  resume(): void;
}

/** Where the bytes of a body go. */
export interface BodySink {
  /** `frees`: nobody else needs the memory of the chunk. */
  bodyChunk(chunk: Buffer, frees?: boolean): void;
  /** The body is whole: the last call. A body that is cut off has no end. */
  bodyEnd(): void;
}
