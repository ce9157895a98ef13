import type { LogRecord } from "../api/log.js";
import type { RecordFilter } from "../record/log-tail.js";
import { type AdminContext, type CallInput, knownPlugin } from "./call-context.js";

/** Which records are wanted. */
interface LogsQuery extends Omit<RecordFilter, "behindId"> {
  readonly level: LogRecord["level"];
  readonly follow: "true" | "false";
}

/** Sends the log of a plugin, and goes on with what comes, until either side has enough. */
export function followLogs(
  context: AdminContext,
  { parameters, query, request, response }: CallInput<LogsQuery>,
): void {
  const { recorder, streams } = context;
  const status = knownPlugin(context, parameters["id"]);
  const log = recorder.log(status);
  const ends: (() => void)[] = [];
  const stream = streams.open(response, () => {
    for (const end of ends) {
      end();
    }
  });
  const send = ({ id, json }: { readonly id: number; readonly json: string }): void =>
    stream.send("record", json, id);
  for (const record of log.last({ ...query, behindId: lastId(request.headers["last-event-id"]) })) {
    send(record);
  }
  if (query.follow === "false") {
    stream.end();
  } else {
    ends.push(
      log.follow(query.level, send),
      recorder.onRemoved(status, () => stream.end()),
    );
  }
}

/** Sends what happens, from a list of all plugins on. */
export function followEvents(
  { recorder, streams }: AdminContext,
  { query, response }: CallInput<{ readonly samples: number }>,
): void {
  const ends: (() => void)[] = [];
  const stream = streams.open(response, () => {
    for (const end of ends) {
      end();
    }
  });
  stream.send("plugins", JSON.stringify({ plugins: recorder.plugins(query.samples) }));
  ends.push(
    recorder.follow({
      onPlugin: (event) => stream.send("plugin", JSON.stringify(event)),
      onRemoved: (event) => stream.send("removed", JSON.stringify(event)),
      onSample: (event) => stream.send("sample", JSON.stringify(event)),
    }),
  );
}

function lastId(given: string | string[] | undefined): number | undefined {
  return typeof given === "string" && /^\d{1,15}$/.test(given) ? Number(given) : undefined;
}
