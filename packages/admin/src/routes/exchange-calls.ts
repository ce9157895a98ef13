import type { OpenExchange as HostExchange } from "@servehttp/host-bridge";
import { CallProblem } from "../answer/call-problem.js";
import { type ExchangePage, exchangeWaits, type OpenExchange } from "../api/exchange.js";
import { type AdminContext, type CallInput, knownPlugin } from "./call-context.js";

/** Which exchanges are wanted. */
interface ExchangesQuery {
  readonly plugin?: string | undefined;
  readonly state?: OpenExchange["state"] | undefined;
  readonly waitsFor?: OpenExchange["waitsFor"] | undefined;
  readonly match?: string | undefined;
  readonly limit: number;
  readonly after?: string | undefined;
}

/** A page of the exchanges that are open now. What begins or ends between two pages shifts no other. */
export function listExchanges(
  context: AdminContext,
  { query }: CallInput<ExchangesQuery>,
): ExchangePage {
  const { after, limit, match = "", plugin, state, waitsFor } = query;
  if (plugin !== undefined) {
    knownPlugin(context, plugin);
  }
  const words = match.toLowerCase().split(/\s+/).filter(Boolean);
  const fitting = context.host.exchanges.filter(
    (exchange) =>
      (plugin === undefined || exchange.plugin === plugin) &&
      (state === undefined || exchange.state === state) &&
      hasWords(exchange, words),
  );
  const all =
    waitsFor === undefined ? fitting : fitting.filter((exchange) => exchange.waitsFor === waitsFor);
  const behind = after === undefined ? undefined : readPlace(after);
  const ordered = all.toSorted(inOrder);
  const left =
    behind === undefined ? ordered : ordered.filter((exchange) => inOrder(behind, exchange) < 0);
  const page = left.slice(0, limit);
  const last = page.at(-1);
  return {
    total: all.length,
    waits: Object.fromEntries(
      exchangeWaits.map((one) => [
        one,
        fitting.filter((exchange) => exchange.waitsFor === one).length,
      ]),
    ) as ExchangePage["waits"],
    exchanges: page.map(exchangeJson),
    next: last === undefined || left.length === page.length ? null : placeOf(last),
  };
}

function hasWords(exchange: HostExchange, words: readonly string[]): boolean {
  if (words.length === 0) {
    return true;
  }
  const { id, plugin, method, path, remoteAddress, state, status, waitsFor } = exchange;
  const all = [id, plugin, method, path, remoteAddress, state, status, waitsFor]
    .join(" ")
    .toLowerCase();
  return words.every((word) => all.includes(word));
}

/** @throws CallProblem where no such exchange is open */
export function breakExchange({ host }: AdminContext, { parameters }: CallInput): void {
  const { id = "" } = parameters;
  if (!host.breakExchange(id)) {
    const detail = `no exchange ${JSON.stringify(id)} is open; it may be over`;
    throw new CallProblem("unknown-exchange", detail);
  }
}

/** Where an exchange stands among the others: those that began at the same time by their ids. */
type Place = Pick<HostExchange, "id"> & { readonly startedAt: Date };

function inOrder(one: Place, other: Place): number {
  return (
    one.startedAt.getTime() - other.startedAt.getTime() ||
    (one.id < other.id ? -1 : Number(one.id > other.id))
  );
}

function placeOf({ id, startedAt }: Place): string {
  return `${startedAt.getTime()}.${id}`;
}

function readPlace(text: string): Place {
  const [, unixMs, id] = /^(\d{1,15})\.(.+)$/.exec(text) ?? [];
  if (unixMs === undefined || id === undefined) {
    throw new CallProblem("bad-request", "after: it is the `next` of the page before");
  }
  return { id, startedAt: new Date(Number(unixMs)) };
}

function exchangeJson({ startedAt, status, waitsFor, ...rest }: HostExchange): OpenExchange {
  return {
    ...rest,
    startedAt: startedAt.toISOString(),
    status: status ?? null,
    waitsFor: waitsFor ?? null,
  };
}
