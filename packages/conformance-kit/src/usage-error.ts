/** What was asked can't be right. Its message is one line for people. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
