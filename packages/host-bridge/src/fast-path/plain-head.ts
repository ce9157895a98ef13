import type { Memo } from "@servehttp/contract";

/**
 * The head of a plain request. There is only one way to read it, so a fast path beside Node's
 * parser may serve it.
 */
export interface PlainHead {
  readonly method: string;
  /** In origin form, as it came. */
  readonly target: string;
  /** As Node gives them: name, value, name, value; without blanks around a value. */
  readonly rawHeaders: readonly string[];
  /** The length of the body in bytes; 0 where there is none. */
  readonly contentLength: number;
  /** The length of the head, its empty line included. */
  readonly bytes: number;
  /** There where the same fields have come before: for what is made of them. */
  readonly fieldsMemo: Memo | undefined;
  /** There where the same request may come again: for the head that its plugin gets. */
  readonly headMemo: { made: unknown } | undefined;
  /** For where the request goes; a client that repeats its request gets the same head again. */
  routed: unknown;
  /** For what was valid when `routed` was set; 0 for nothing. */
  routedBy: number;
}
