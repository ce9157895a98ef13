import { expect, test } from "vitest";
import { ExchangeTable, type TableExchange } from "./exchange-table.js";

interface Exchange extends TableExchange<Exchange> {}

function exchange(id: number): Exchange {
  return { id, nextInTable: undefined };
}

test("finds exchanges by their ids, however far apart", () => {
  const table = new ExchangeTable<Exchange>();
  const ids = [1, 2, 257, 513, Number.MAX_SAFE_INTEGER];
  const exchanges = ids.map((id) => exchange(id));
  exchanges.forEach((one) => table.add(one));

  expect(ids.map((id) => table.get(id))).toEqual(exchanges);
  expect(table.get(3)).toBeUndefined();
  expect(table.get(769)).toBeUndefined();
  expect(table.size).toBe(5);
});

test.each([1, 257, 513])("forgets %i among those that share its place", (gone) => {
  const table = new ExchangeTable<Exchange>();
  const exchanges = [1, 257, 513].map((id) => exchange(id));
  exchanges.forEach((one) => table.add(one));
  const its = table.get(gone) as Exchange;

  expect(table.delete(its)).toBe(true);
  expect(table.delete(its)).toBe(false);
  expect(table.get(gone)).toBeUndefined();
  expect(table.all().map(({ id }) => id)).toHaveLength(2);
  expect(exchanges.filter((one) => one !== its).map(({ id }) => table.get(id)?.id)).not.toContain(
    undefined,
  );
});

test("does as a Map does, with thousands that come and go", () => {
  const table = new ExchangeTable<Exchange>();
  const map = new Map<number, Exchange>();
  let seed = 1;
  for (let id = 1; id <= 20_000; id += 1) {
    const one = exchange(id);
    table.add(one);
    map.set(id, one);
    seed = (seed * 48_271) % 2_147_483_647;
    // Most go soon, and some stay.
    const leaver = map.get(id - (seed % 3_000));
    if (leaver !== undefined) {
      table.delete(leaver);
      map.delete(leaver.id);
    }
  }

  expect(table.size).toBe(map.size);
  expect(table.size).toBeGreaterThan(1_000);
  expect(table.all().map(({ id }) => id)).toHaveLength(map.size);
  expect([...map].every(([id, one]) => table.get(id) === one)).toBe(true);
});
