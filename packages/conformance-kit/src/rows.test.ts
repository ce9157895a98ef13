import { describe, expect, it } from "vitest";
import type { CheckInfo } from "./checks/check.js";
import { checks } from "./checks/index.js";
import { coreChecks } from "./checks/core.js";
import { hostChecks } from "./host-checks/index.js";
import { rows } from "./rows.js";

describe.each([
  ["plugins", checks, "notOfPlugins"],
  ["hosts", hostChecks, "notOfHosts"],
] as const)("the checks of %s", (_name, list: readonly CheckInfo[], reason) => {
  it("have every row, or a reason says why not", () => {
    const checked = new Set(list.map(({ id }) => rowOf(id)));
    expect(
      rows.filter((row) => !checked.has(row.id) && row[reason] === undefined).map(({ id }) => id),
    ).toEqual([]);
    // A reason for what is checked after all would be wrong.
    expect(
      rows.filter((row) => checked.has(row.id) && row[reason] !== undefined).map(({ id }) => id),
    ).toEqual([]);
  });

  it("have ids of their own", () => {
    expect(list.map(({ id }) => id)).toEqual([...new Set(list.map(({ id }) => id))]);
  });
});

it("names a row in the id of each check, and each row once", () => {
  const known = new Set(rows.map(({ id }) => id));
  const all: readonly CheckInfo[] = [...checks, ...coreChecks, ...hostChecks];
  expect(all.map(({ id }) => rowOf(id)).filter((row) => !known.has(row))).toEqual([]);
  expect(rows).toHaveLength(known.size);
});

function rowOf(id: string): string {
  return id.replace(/\..*$/, "");
}
