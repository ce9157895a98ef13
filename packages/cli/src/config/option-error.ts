import { ServeHTTPError } from "@servehttp/host-bridge";
import { saidWrong } from "../context/command-error.js";

/** Runs what checks options; what it finds wrong becomes an error of the command. */
export function asOptionError<Result>(check: () => Result): Result {
  try {
    return check();
  } catch (thrown) {
    if (thrown instanceof ServeHTTPError && thrown.code === "invalid-argument") {
      throw saidWrong(thrown.message, thrown);
    }
    throw thrown;
  }
}
