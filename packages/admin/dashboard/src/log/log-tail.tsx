import type { LogRecord } from "@servehttp/admin";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { AdminApi } from "../api/admin-api.js";
import { formatClock, formatCount, formatMany } from "../model/format.js";
import { PauseButton } from "../parts/pause-button.js";
import { FollowedLog } from "../watch/followed-log.js";
import { runWhileVisible } from "../watch/run-while-visible.js";
import { detailsOf, filterRecords, type Level } from "./filter-records.js";

/** Lines that are on the page at once. */
const linesMax = 500;

/** This near to the end, in pixels, the reader is taken to follow it. */
const endPixels = 24;

/** What a plugin prints, and what the host says of it, as it comes. */
export function LogTail({ api, plugin }: { readonly api: AdminApi; readonly plugin: string }) {
  const log = useMemo(() => new FollowedLog(api, plugin), [api, plugin]);
  const [text, setText] = useState("");
  const [level, setLevel] = useState<Level>("debug");
  /** What is shown while the log is paused. */
  const [held, setHeld] = useState<readonly LogRecord[]>();

  useEffect(() => {
    const ended = new AbortController();
    void runWhileVisible((until) => log.run(until), ended.signal);
    return () => ended.abort();
  }, [log]);

  const all = log.records.value;
  const fitting = filterRecords(held ?? all, text, level);
  const shown = fitting.slice(-linesMax);
  const unseen = held === undefined ? 0 : countNewer(all, held);
  const isFiltered = text.trim() !== "" || level !== "debug";
  return (
    <section class="log" aria-labelledby="log-title">
      <div class="section-head">
        <h2 id="log-title">Log</h2>
        <div class="tools">
          <label>
            <span class="visually-hidden">Filter the log</span>
            <input
              type="search"
              placeholder="Filter"
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          </label>
          <label>
            <span class="visually-hidden">The least level to show</span>
            <select
              value={level}
              onChange={(event) => setLevel(event.currentTarget.value as Level)}
            >
              <option value="debug">All levels</option>
              <option value="info">Info and above</option>
              <option value="warn">Warnings and errors</option>
              <option value="error">Errors</option>
            </select>
          </label>
          <PauseButton
            what="the log"
            isPaused={held !== undefined}
            onPause={(isPaused) => setHeld(isPaused ? all : undefined)}
          />
        </div>
      </div>
      {log.trouble.value !== undefined && <p class="trouble">{log.trouble.value}</p>}
      <Lines records={shown} isFiltered={isFiltered} isEmpty={all.length === 0} />
      <p class="soft log-foot">
        {isFiltered && `${formatCount(fitting.length)} of `}
        {formatMany((held ?? all).length, "line")}
        {held !== undefined && `, paused; ${formatMany(unseen, "newer line")}`}
      </p>
    </section>
  );
}

function Lines(props: {
  readonly records: readonly LogRecord[];
  readonly isFiltered: boolean;
  readonly isEmpty: boolean;
}) {
  const { records, isFiltered, isEmpty } = props;
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);

  useLayoutEffect(() => {
    if (box.current !== null && isAtEnd.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  }, [records]);

  return (
    <div
      ref={box}
      class="lines"
      role="region"
      aria-label="Lines of the log"
      tabIndex={0}
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < endPixels;
      }}
    >
      {records.length === 0 && (
        <p class="empty">
          {isFiltered && !isEmpty
            ? "No line fits the filter."
            : "Nothing logged yet. What the plugin prints on standard output and standard error comes here, and what the host says of it."}
        </p>
      )}
      <ol>
        {records.map((record) => (
          <Line key={record.id} record={record} />
        ))}
      </ol>
    </div>
  );
}

function Line({ record }: { readonly record: LogRecord }) {
  const { at, level, message, stream } = record;
  // A plain line on standard error has no level of its own.
  const label = stream === "stderr" && level === "info" ? "stderr" : level;
  const details = detailsOf(record);
  return (
    <li class={level}>
      <time dateTime={at}>{formatClock(Date.parse(at))}</time>
      <span class="level">{label}</span>
      <span class="said">
        {stream === null && <span class="by">host </span>}
        {message}
        {details !== "" && <span class="soft"> {details}</span>}
      </span>
    </li>
  );
}

function countNewer(all: readonly LogRecord[], held: readonly LogRecord[]): number {
  const last = held.at(-1)?.id ?? 0;
  return all.filter(({ id }) => id > last).length;
}
