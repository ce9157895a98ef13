import { expect, test } from "vitest";
import { type Linked, LinkedSet } from "./linked-set.js";

interface Member extends Linked<Member> {
  readonly name: string;
}

function member(name: string): Member {
  return { name, linkedIn: undefined, previousLinked: undefined, nextLinked: undefined };
}

function names(set: LinkedSet<Member>): string {
  return [...set].map(({ name }) => name).join("");
}

test("keeps members in the order in which they came", () => {
  const set = new LinkedSet<Member>();
  for (const name of "abc") {
    set.add(member(name));
  }

  expect(names(set)).toBe("abc");
  expect(set.size).toBe(3);
});

test.each([
  ["first", 0, "bc"],
  ["in the middle", 1, "ac"],
  ["last", 2, "ab"],
])("forgets a member that is %s, and takes it again at the end", (_, index, left) => {
  const set = new LinkedSet<Member>();
  const members = ["a", "b", "c"].map((name) => member(name));
  members.forEach((one) => set.add(one));
  const gone = members[index] as Member;

  expect(set.delete(gone)).toBe(true);
  expect(set.has(gone)).toBe(false);
  expect(names(set)).toBe(left);
  expect(set.size).toBe(2);

  set.add(gone);
  expect(names(set)).toBe(`${left}${gone.name}`);
});

test("is empty once its only member is gone", () => {
  const set = new LinkedSet<Member>();
  const only = member("a");
  set.add(only);
  set.delete(only);

  expect(set.size).toBe(0);
  expect(names(set)).toBe("");
  expect(set.delete(only)).toBe(false);
});

test("leaves the members of another set alone", () => {
  const set = new LinkedSet<Member>();
  const other = new LinkedSet<Member>();
  const its = member("a");
  other.add(its);

  expect(set.delete(its)).toBe(false);
  expect(set.has(its)).toBe(false);
  expect(names(other)).toBe("a");
});

test("goes over the members of when it began", () => {
  const set = new LinkedSet<Member>();
  ["a", "b", "c"].forEach((name) => set.add(member(name)));
  let seen = "";
  for (const one of set) {
    seen += one.name;
    for (const each of set) {
      set.delete(each);
    }
  }

  expect(seen).toBe("abc");
  expect(set.size).toBe(0);
});
