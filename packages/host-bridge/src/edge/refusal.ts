/** A request that the host answers itself, because it can't be passed on. */
export interface Refusal {
  readonly kind: "refusal";
  /** The status for the client. */
  readonly status: 400 | 404 | 414 | 417 | 431 | 501;
  /** For the host's log, never for the client. */
  readonly reason: string;
}

export function refusal(status: Refusal["status"], reason: string): Refusal {
  return { kind: "refusal", status, reason };
}
