import type { OpenExchange } from "@servehttp/admin";

/** What the list can be sorted by. */
export type SortKey = "age" | "plugin" | "request" | "waits" | "up" | "down";

export interface Sort {
  readonly key: SortKey;
  readonly isDescending: boolean;
}

type Value = string | number;

const values: Readonly<Record<SortKey, (exchange: OpenExchange) => Value>> = {
  age: ({ ageMs }) => ageMs,
  plugin: ({ plugin }) => plugin,
  request: ({ method, path }) => `${path} ${method}`,
  waits: ({ waitsFor }) => waitsFor ?? "",
  up: ({ requestBytes }) => requestBytes,
  down: ({ responseBytes }) => responseBytes,
};

/** Sorts exchanges; those that are equal stay as they are, oldest first. */
export function sortExchanges(
  exchanges: readonly OpenExchange[],
  { key, isDescending }: Sort,
): readonly OpenExchange[] {
  const sign = isDescending ? -1 : 1;
  return exchanges.toSorted((one, other) => sign * compare(values[key](one), values[key](other)));
}

function compare(one: Value, other: Value): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Those that have each of the words, as the host finds them: for a list that is held still. */
export function filterExchanges(
  exchanges: readonly OpenExchange[],
  text: string,
  wait: string | undefined,
): readonly OpenExchange[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return exchanges.filter(
    ({ id, plugin, method, path, remoteAddress, state, waitsFor, status }) => {
      if (wait !== undefined && waitsFor !== wait) {
        return false;
      }
      const all = [id, plugin, method, path, remoteAddress, state, waitsFor, status]
        .join(" ")
        .toLowerCase();
      return words.every((word) => all.includes(word));
    },
  );
}
