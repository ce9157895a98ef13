import { HttpConnection } from "../load/http-connection.js";
import type { RunningTarget } from "../targets/target.js";
import type { SeededRandom } from "@servehttp/testkit";
import { type SoakAction, soakActions, WrongBytes } from "./soak-actions.js";

/** What all clients of a soak have seen. */
export interface SoakCounts {
  /** Actions that went well, by name. */
  readonly done: Map<string, number>;
  errors: number;
  wrong: number;
  /** One line for each of the first failures. */
  readonly failures: string[];
}

const failuresKept = 20;
/** Longer than any action needs, on a machine with all its clients at once. */
const actionMsMax = 60_000;

/** Acts as one client, one random action after the other, until the signal aborts. */
export async function soakClient(
  target: RunningTarget,
  random: SeededRandom,
  counts: SoakCounts,
  signal: AbortSignal,
): Promise<void> {
  let connection: HttpConnection | undefined;
  while (!signal.aborted) {
    const action = random.pick(soakActions);
    try {
      connection ??= await HttpConnection.open(target.host, target.port);
      await inTime(connection, action.run({ connection, prefix: target.prefix, random }));
      counts.done.set(action.name, (counts.done.get(action.name) ?? 0) + 1);
      if (action.leaves === true) {
        connection[Symbol.dispose]();
        connection = undefined;
      }
    } catch (error) {
      note(action, error, counts);
      connection?.[Symbol.dispose]();
      connection = undefined;
    }
  }
  connection?.[Symbol.dispose]();
}

/** Drops the connection of an action that is stuck, which makes it fail. */
async function inTime(connection: HttpConnection, action: Promise<void>): Promise<void> {
  let stuck = false;
  const timer = setTimeout(() => {
    stuck = true;
    connection[Symbol.dispose]();
  }, actionMsMax);
  try {
    await action;
  } catch (cause) {
    throw stuck ? new Error(`not done within ${actionMsMax / 1_000} s`, { cause }) : cause;
  } finally {
    clearTimeout(timer);
  }
}

function note(action: SoakAction, error: unknown, counts: SoakCounts): void {
  if (error instanceof WrongBytes) {
    counts.wrong++;
  } else {
    counts.errors++;
  }
  if (counts.failures.length < failuresKept) {
    counts.failures.push(`${new Date().toISOString()} ${action.name}: ${(error as Error).message}`);
  }
}
