/** What a lifecycle run found. */
export interface LifecycleResult {
  readonly isRight: boolean;
  /** In one line. */
  readonly text: string;
}
