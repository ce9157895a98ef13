import type { ExchangePage, OpenExchange } from "@servehttp/admin";
import { useState } from "preact/hooks";
import type { AdminApi } from "../api/admin-api.js";
import { formatAge, formatBytes, formatCount, formatMany, formatMs } from "../model/format.js";
import { confirm } from "../parts/confirm-dialog.js";
import { tell } from "../parts/notices.js";
import { PauseButton } from "../parts/pause-button.js";
import { pluginPath } from "../route/route.js";
import { usePolledExchanges } from "./poll-exchanges.js";
import { filterExchanges, type Sort, sortExchanges, type SortKey } from "./sort-exchanges.js";
import { standsAt, waitsFor } from "./waits-for.js";

/** Exchanges on one page. */
const pageSize = 20;

interface Column {
  readonly key: SortKey;
  readonly name: string;
  readonly isFigure?: boolean;
}

const columns: readonly Column[] = [
  { key: "request", name: "Request" },
  { key: "plugin", name: "Plugin" },
  { key: "waits", name: "Waits for" },
  { key: "age", name: "Open for", isFigure: true },
  { key: "up", name: "Sent", isFigure: true },
  { key: "down", name: "Answered", isFigure: true },
];

/** The requests that are open now: who waits for whom. One can be broken. */
export function ExchangeList(props: {
  readonly api: AdminApi;
  /** Of this plugin alone. Default: of all. */
  readonly plugin?: string;
}) {
  const { api, plugin } = props;
  const [sort, setSort] = useState<Sort>({ key: "age", isDescending: true });
  const [text, setText] = useState("");
  const [isHeld, setHeld] = useState(false);
  /** Where the pages begin that were turned so far. */
  const [pages, setPages] = useState<readonly string[]>([]);
  const [wait, setWait] = useState<string>();
  const query = {
    plugin,
    waitsFor: wait,
    match: text.trim() || undefined,
    after: pages.at(-1),
    limit: pageSize,
  };
  const { page, trouble } = usePolledExchanges(api, query, isHeld);
  const shown = page && sortExchanges(filterExchanges(page.exchanges, text, wait), sort);
  const shownColumns = columns.filter(({ key }) => key !== "plugin" || plugin === undefined);

  return (
    <section class="exchanges" aria-labelledby="exchanges-title">
      <div class="section-head">
        <h2 id="exchanges-title">
          Open requests {page !== undefined && <span class="count">{formatCount(page.total)}</span>}
        </h2>
        <div class="tools">
          <label>
            <span class="visually-hidden">Filter open requests</span>
            <input
              type="search"
              placeholder="Filter"
              value={text}
              onInput={(event) => {
                setText(event.currentTarget.value);
                setPages([]);
              }}
            />
          </label>
          <PauseButton what="open requests" isPaused={isHeld} onPause={setHeld} />
        </div>
      </div>
      {trouble !== undefined && <p class="trouble">{trouble}</p>}
      {page !== undefined && (
        <Waits
          page={page}
          wait={wait}
          onWait={(next) => {
            setWait(next);
            setPages([]);
          }}
        />
      )}
      {shown?.length === 0 && <Nothing isFiltered={text.trim() !== "" || wait !== undefined} />}
      {shown !== undefined && shown.length > 0 && (
        <table class="requests" role="table" aria-labelledby="exchanges-title">
          <thead role="rowgroup">
            <tr role="row">
              {shownColumns.map((column) => (
                <SortHead key={column.key} column={column} sort={sort} onSort={setSort} />
              ))}
              <th role="columnheader" scope="col">
                <span class="visually-hidden">Break it</span>
              </th>
            </tr>
          </thead>
          <tbody role="rowgroup">
            {shown.map((exchange) => (
              <ExchangeRow
                key={exchange.id}
                api={api}
                exchange={exchange}
                hasPlugin={plugin === undefined}
              />
            ))}
          </tbody>
        </table>
      )}
      {page !== undefined && (pages.length > 0 || page.next !== null) && (
        <Pager page={page} pages={pages} onTurn={setPages} />
      )}
    </section>
  );
}

function Nothing({ isFiltered }: { readonly isFiltered: boolean }) {
  return isFiltered ? (
    <p class="empty">None fits the filter.</p>
  ) : (
    <p class="empty">
      None at this moment. Requests are listed while they run: long downloads, event streams and
      WebSockets stay, most others are gone before you can read them.
    </p>
  );
}

/** How many wait for whom. Each shows those alone, or all again. */
function Waits(props: {
  readonly page: ExchangePage;
  readonly wait: string | undefined;
  readonly onWait: (wait: string | undefined) => void;
}) {
  const { page, wait, onWait } = props;
  const counted = Object.entries(page.waits).filter(([one, count]) => count > 0 || one === wait);
  if (counted.length === 0) {
    return null;
  }
  return (
    <div class="waits" role="group" aria-label="Show those that wait for">
      {counted.map(([one, count]) => (
        <button
          key={one}
          type="button"
          aria-pressed={one === wait}
          onClick={() => onWait(one === wait ? undefined : one)}
        >
          <strong>{formatCount(count)}</strong> {count === 1 ? "waits" : "wait"} for {waitsFor(one)}
        </button>
      ))}
    </div>
  );
}

function SortHead(props: {
  readonly column: Column;
  readonly sort: Sort;
  readonly onSort: (sort: Sort) => void;
}) {
  const { column, sort, onSort } = props;
  const isSorted = sort.key === column.key;
  const direction = sort.isDescending ? "descending" : "ascending";
  const next = { key: column.key, isDescending: isSorted ? !sort.isDescending : true };
  return (
    <th
      role="columnheader"
      scope="col"
      class={column.isFigure === true ? "figure" : ""}
      {...(isSorted ? { "aria-sort": direction } : {})}
    >
      <button type="button" class="sort" onClick={() => onSort(next)}>
        {column.name}
        <span class="arrow" aria-hidden="true">
          {isSorted && (sort.isDescending ? "↓" : "↑")}
        </span>
      </button>
    </th>
  );
}

function ExchangeRow(props: {
  readonly api: AdminApi;
  readonly exchange: OpenExchange;
  readonly hasPlugin: boolean;
}) {
  const { api, exchange, hasPlugin } = props;
  const { id, method, path, plugin, ageMs, requestBytes, responseBytes, status } = exchange;
  const breakIt = async () => {
    const question = {
      title: "Break this request?",
      text: `${method} ${path} of ${plugin}. ${
        status === null
          ? "Its client is answered 503."
          : "Its client has a part of the response, and sees the transfer break off."
      }`,
      action: "Break it",
    };
    if (await confirm(question)) {
      await tell("Breaking the request …", "The request is broken.", () => api.breakExchange(id));
    }
  };
  return (
    <tr role="row">
      <th role="rowheader" scope="row" class="request">
        <span class="method">{method}</span> <code>{path}</code>
        <span class="soft at">
          {hasPlugin && <span class="of">{plugin}, </span>}
          {standsAt(exchange)}
          {exchange.remoteAddress !== "" && `, from ${exchange.remoteAddress}`}
        </span>
      </th>
      {hasPlugin && (
        <td role="cell" class="plugin">
          <a href={pluginPath(plugin)}>{plugin}</a>
        </td>
      )}
      <td role="cell" class="waits-for">
        {waitsFor(exchange.waitsFor)}
      </td>
      <td role="cell" class="figure" data-after="open">
        {ageMs < 10_000 ? formatMs(ageMs) : formatAge(ageMs)}
      </td>
      <td role="cell" class="figure" data-after="sent">
        {formatBytes(requestBytes)}
      </td>
      <td role="cell" class="figure" data-after="answered">
        {formatBytes(responseBytes)}
      </td>
      <td role="cell" class="break">
        <button
          type="button"
          class="quiet"
          aria-label={`Break ${method} ${path} of ${plugin}`}
          onClick={() => void breakIt()}
        >
          Break
        </button>
      </td>
    </tr>
  );
}

function Pager(props: {
  readonly page: ExchangePage;
  readonly pages: readonly string[];
  readonly onTurn: (pages: readonly string[]) => void;
}) {
  const { page, pages, onTurn } = props;
  const { next } = page;
  return (
    <nav class="pager" aria-label="Pages of open requests">
      <button
        type="button"
        aria-disabled={pages.length === 0}
        onClick={() => pages.length > 0 && onTurn(pages.slice(0, -1))}
      >
        Older
      </button>
      <span class="soft">
        {formatMany(page.exchanges.length, "request")} of {formatCount(page.total)}, page{" "}
        {pages.length + 1}. Sorted on this page.
      </span>
      <button
        type="button"
        aria-disabled={next === null}
        onClick={() => next !== null && onTurn([...pages, next])}
      >
        Newer
      </button>
    </nav>
  );
}
