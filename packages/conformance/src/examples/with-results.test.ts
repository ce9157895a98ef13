import { expect, it } from "vitest";
import { withResults } from "./with-results.js";

const page = `before
<!-- examples:start -->
| example | versions | on | last run | features that work |
|---|---|---|---|---|
| [hono](../examples/hono) | hono 4.0.0 | Node 24 | 2026-01-01 | 1 of 1 |
| [vite](../examples/vite) | vite 7.0.0 | Node 24 | 2026-01-01 | 1 of 1 |
<!-- examples:end -->
after
`;

it("puts new results in place and keeps those of examples that did not run", () => {
  const results = new Map([
    ["vite", "vite 8.0.0 | Node 24 | 2026-02-02 | 3 of 4"],
    ["astro", "astro 7.0.0 | Node 24 | 2026-02-02 | 3 of 3"],
  ]);
  expect(withResults(page, results)).toBe(`before
<!-- examples:start -->
| example | versions | on | last run | features that work |
|---|---|---|---|---|
| [astro](../examples/astro) | astro 7.0.0 | Node 24 | 2026-02-02 | 3 of 3 |
| [hono](../examples/hono) | hono 4.0.0 | Node 24 | 2026-01-01 | 1 of 1 |
| [vite](../examples/vite) | vite 8.0.0 | Node 24 | 2026-02-02 | 3 of 4 |
<!-- examples:end -->
after
`);
});

it("refuses a page that has no place for them", () => {
  expect(() => withResults("nothing", new Map())).toThrow("no place");
});
