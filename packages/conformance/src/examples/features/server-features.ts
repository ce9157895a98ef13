import { expect } from "vitest";
import type { ExampleFeature } from "../example-feature.js";
import { hasAssets, keepsWhatIsSaid } from "./page-checks.js";

/** `examples/express`. */
export const expressExampleFeatures: readonly ExampleFeature[] = [
  {
    feature: "static pages with relative addresses, a form, a redirect",
    by: ["express"],
    inBrowser: true,
    works: "yes",
    how: '`express.static` and `response.redirect(303, "./")`: what is relative needs no prefix.',
    check: (site) =>
      site.look(async (page) => {
        await hasAssets(page);
        await keepsWhatIsSaid(page);
        expect(page.url()).toBe(site.url.href);
      }),
  },
  {
    feature: "the same form sent by a program, JSON",
    by: ["express"],
    works: "yes",
    how: "As they are.",
    async check(site) {
      const notes = new URL("notes", site.url);
      const body = new URLSearchParams({ text: "from a program" });
      const added = await fetch(notes, { method: "POST", body, redirect: "manual" });
      expect([added.status, added.headers.get("location")]).toEqual([303, "./"]);
      expect(await (await fetch(notes)).json()).toContain("from a program");
    },
  },
  {
    feature: "server-sent events in `EventSource`",
    by: ["express"],
    inBrowser: true,
    works: "yes",
    how: '`new EventSource("events")`, relative to the page.',
    check: (site) => site.look((page) => expect.poll(() => page.textContent("#seconds")).toBe("1")),
  },
];

/** `examples/fastify`. */
export const fastifyExampleFeatures: readonly ExampleFeature[] = [
  {
    feature: "static pages, WebSockets in a browser",
    by: ["fastify", "@fastify/static", "@fastify/websocket"],
    inBrowser: true,
    works: "yes",
    how: '`new WebSocket("chat")`, relative to the page.',
    check: (site) =>
      site.look(async (page) => {
        await hasAssets(page);
        await page.fill("#say input", "anybody here?");
        await page.click("#say button");
        await expect
          .poll(() => page.locator("#said li").allTextContents())
          .toEqual(["anybody here?"]);
      }),
  },
  {
    feature: "routes with parameters, `request.ip`",
    by: ["fastify"],
    works: "yes",
    how: "As they are.",
    async check(site) {
      const answer = await fetch(new URL("hello/ada", site.url));
      expect(await answer.json()).toEqual({
        hello: "ada",
        from: expect.stringMatching(/^(?:::ffff:127\.0\.0\.1|127\.0\.0\.1|::1)$/),
      });
    },
  },
];

/** `examples/hono`. */
export const honoExampleFeatures: readonly ExampleFeature[] = [
  {
    feature: "pages with `html`, static files, a form, a redirect",
    by: ["hono", "@hono/node-server"],
    inBrowser: true,
    works: "yes",
    how: "`servePlugin(app)`; relative addresses need no prefix.",
    check: (site) =>
      site.look(async (page) => {
        await hasAssets(page);
        await keepsWhatIsSaid(page);
        expect(page.url()).toBe(site.url.href);
      }),
  },
  {
    feature: "text that is streamed",
    by: ["hono"],
    works: "yes",
    how: "`streamText`: each write goes out at once.",
    async check(site) {
      const words = await fetch(new URL("words", site.url));
      expect(words.headers.get("content-length")).toBe(null);
      expect(await words.text()).toBe("one\nat\na\ntime\n");
    },
  },
];
