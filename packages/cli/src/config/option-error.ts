import { basename } from "node:path";
import { ServeHTTPError } from "@servehttp/host-bridge";
import { saidWrong } from "../context/command-error.js";

/**
 * Runs what checks options; what it finds wrong becomes an error of the command.
 *
 * @param file the config that the options are from, if there is one
 */
export function asOptionError<Result>(file: string | undefined, check: () => Result): Result {
  try {
    return check();
  } catch (thrown) {
    if (thrown instanceof ServeHTTPError && thrown.code === "invalid-argument") {
      const where = file === undefined ? "" : `${basename(file)}: `;
      throw saidWrong(`${where}${thrown.message}`, thrown);
    }
    throw thrown;
  }
}
