import { createTraces, type Environment, type Traces } from "@servehttp/admin/traces";
import { type Logger, ServeHTTPError } from "@servehttp/host-bridge";
import { saidWrong } from "../context/command-error.js";

/**
 * What sends the host's traces to a collector, where the environment asks for it.
 *
 * @throws CommandError for a variable that asks for what there is not
 */
export async function openTraces(
  environment: Environment,
  logger: Pick<Logger, "warn">,
): Promise<Traces | undefined> {
  try {
    return await createTraces({ environment, logger });
  } catch (thrown) {
    if (thrown instanceof ServeHTTPError && thrown.code === "invalid-argument") {
      throw saidWrong(thrown.message, thrown);
    }
    throw thrown;
  }
}
