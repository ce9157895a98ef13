import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";

/** What the build has made. */
const folder = new URL("../dist/dashboard/", import.meta.url);

/** What a browser loads, in KiB as gzip makes it. Half of it is the library that draws the charts. */
const loadedKibMax = 52;

it(`loads the dashboard in ${loadedKibMax} KiB at the most`, () => {
  const names = [
    "index.html",
    ...readdirSync(new URL("assets/", folder)).map((one) => `assets/${one}`),
  ];
  const bytes = names.map((name) => gzipSync(readFileSync(new URL(name, folder))).length);
  expect(bytes.length).toBe(4);
  expect(bytes.reduce((sum, one) => sum + one)).toBeLessThan(loadedKibMax * 1_024);
});

it("names in each file's name what is in it, so that browsers may keep it for ever", () => {
  const page = readFileSync(new URL("index.html", folder), "utf8");
  for (const name of readdirSync(new URL("assets/", folder))) {
    expect(name).toMatch(/^(?:dashboard|icon)-[\w-]{8}\.(?:css|js|svg)$/);
    expect(page).toContain(`assets/${name}"`);
  }
});

it("tells the licences of the libraries in it", () => {
  const text = readFileSync(new URL("licenses.txt", folder), "utf8");
  for (const library of ["preact", "@preact/signals", "@preact/signals-core", "uplot"]) {
    expect(text).toMatch(new RegExp(`^${library} \\d`, "m"));
  }
});
