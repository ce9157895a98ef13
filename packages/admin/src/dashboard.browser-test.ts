import { readFile } from "node:fs/promises";
import { request as startRequest } from "node:http";
import { Chromium, complaintsOf, type Page } from "@servehttp/testkit/chromium";
import axe from "axe-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { DashboardSite, siteToken } from "./test-rig/dashboard-site.js";

/** The page asks for events first, to see whether it needs a token. */
const asksForToken = /^401 .*\/api\/events/;

describe("the dashboard in Chromium", () => {
  let site: DashboardSite;
  let browser: Chromium;
  let page: Page;
  /** What the page complained of: anything here fails the test that it happened in. */
  let complaints: string[];
  /** But for these. */
  let allowed = asksForToken;

  /** One page for all tests: each goes where it wants to be. */
  beforeAll(async () => {
    site = await DashboardSite.start();
    browser = await Chromium.launch();
    page = await browser.newPage();
    complaints = complaintsOf(page, 400);
    page.on("console", (message) => {
      if (/Content Security Policy|Trusted/.test(message.text())) {
        complaints.push(message.text());
      }
    });
    await page.goto(site.adminUrl);
    await logIn();
  });

  afterAll(async () => {
    await browser[Symbol.asyncDispose]();
    await site[Symbol.asyncDispose]();
  });

  afterEach(() => {
    const wrong = complaints.splice(0).filter((complaint) => !allowed.test(complaint));
    allowed = asksForToken;
    if (wrong.length > 0) {
      throw new Error(`the page complained: ${wrong.join("; ")}`);
    }
  });

  async function logIn(): Promise<void> {
    await page.fill("#token", siteToken);
    await page.press("#token", "Enter");
    await page.locator("h1").waitFor();
  }

  const row = (id: string) => page.locator("table.plugins tbody tr", { hasText: id });
  const rowText = (id: string) => row(id).innerText();
  const button = (name: string) => page.getByRole("button", { name, exact: true });
  const notice = () => page.locator(".notices").innerText();
  const focused = () => page.evaluate("document.activeElement?.textContent");

  /** Shows a plugin, or the overview, without loading the page anew. */
  async function open(id?: string): Promise<void> {
    const hash = id === undefined ? "#/" : `#/plugins/${encodeURIComponent(id)}`;
    await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
    await page.locator(id === undefined ? "table.plugins" : ".plugin-head").waitFor();
  }

  test("asks for the token, keeps it in the tab, and forgets it", async () => {
    await expect.poll(() => row("notes").count()).toBe(1);
    await page.reload();
    await expect.poll(() => row("notes").count()).toBe(1);
    await button("Log out").click();
    await page.fill("#token", "another-token-of-somebody");
    await button("Log in").click();
    await expect
      .poll(() => page.locator("#token-wrong").innerText())
      .toBe("The host did not take this token.");
    await logIn();
    await expect.poll(() => row("notes").count()).toBe(1);
  });

  test("takes the token out of the address that the command prints", async () => {
    await button("Log out").click();
    await page.locator("#token").waitFor();
    await page.evaluate(`location.hash = "#token=${siteToken}"`);
    await expect.poll(() => row("notes").count()).toBe(1);
    await page.evaluate("sessionStorage.clear()");
    await page.goto("about:blank");
    await page.goto(`${site.adminUrl}#token=${siteToken}`);
    await expect.poll(() => row("notes").count()).toBe(1);
    expect(page.url()).toBe(site.adminUrl);
  });

  test("shows each plugin with its state and its figures", async () => {
    await using _load = site.load();
    await expect.poll(() => rowText("notes")).toMatch(/Ready[\s\S]*ms[\s\S]*MiB/);
    await expect.poll(() => rowText("inside")).toMatch(/In the host[\s\S]*–\s*–\s*–\s*–/);
    await expect
      .poll(() => rowText("broken"))
      .toMatch(/it exited with code 3 before it was ready\s+Error: no mail server at 10\.0\.4\.12/);
    expect(await page.locator("h1").innerText()).toMatch(
      /^broken (?:keeps failing|failed|has failed)/,
    );
  });

  test("shows a plugin that is killed under load, with its last words", async () => {
    await open("notes");
    await using _load = site.load();
    await print("the last words");
    await expect.poll(() => page.locator(".lines").innerText()).toContain("the last words");
    const pid = site.notesPid;
    process.kill(pid, "SIGKILL");
    const entry = page.locator(".history li.bad").first();
    await expect.poll(() => entry.innerText()).toMatch(/SIGKILL[\s\S]*the last words/);
    // And then it comes back as another process.
    await expect.poll(() => page.locator(".facts").innerText()).toMatch(/Ready[\s\S]*1 restart/);
    expect(await page.locator(".facts").innerText()).not.toContain(`process ${pid}`);
  });

  test("reloads a plugin once that is confirmed, and not before", async () => {
    await open("notes");
    const pid = site.notesPid;
    await button("Reload").click();
    await expect.poll(focused).toBe("Cancel");
    await page.keyboard.press("Escape");
    await expect.poll(focused).toBe("Reload");
    expect(site.notesPid).toBe(pid);
    await button("Reload").click();
    await page.locator("dialog .primary").click();
    await expect.poll(notice).toContain("notes is reloaded.");
    expect(site.notesPid).not.toBe(pid);
    await expect.poll(focused).toBe("Reload");
    await expect
      .poll(() => page.locator(".facts").innerText())
      .toContain(`process ${site.notesPid}`);
  });

  test("gives a CPU profile of a plugin to the reader", async () => {
    await open("notes");
    await button("CPU profile").click();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.locator("dialog .primary").click(),
    ]);
    expect(download.suggestedFilename()).toBe("notes.cpuprofile");
    const profile: unknown = JSON.parse(await readFile(await download.path(), "utf8"));
    expect(profile).toMatchObject({ nodes: expect.any(Array), samples: expect.any(Array) });
    await expect.poll(notice).toContain("among your downloads");
  });

  test("stops a plugin and starts it again", async () => {
    await open("notes");
    const press = async (name: string) => {
      await button(name).click();
      await page.locator("dialog .primary").click();
    };
    await press("Stop");
    await expect.poll(notice).toContain("notes is stopped.");
    await expect.poll(() => page.locator(".facts").innerText()).toContain("Stopped");
    expect(await button("Reload").getAttribute("aria-disabled")).toBe("true");
    await press("Start");
    await expect.poll(notice).toContain("notes is started.");
    await expect.poll(() => page.locator(".facts").innerText()).toContain("Ready");
  });

  test("tells why a plugin does not start, with what it said", async () => {
    allowed = /^401 |^(?:409|502) .*\/api\/plugins\/broken\/start/;
    await open("broken");
    await button("Start").click();
    await page.locator("dialog .primary").click();
    await expect.poll(notice).toMatch(/broken[\s\S]*Error: no mail server at 10\.0\.4\.12/);
    await button("Dismiss").click();
    await expect.poll(notice).toBe("");
  });

  test("shows log lines as they come, as text; filters and pauses them", async () => {
    await open("notes");
    const lines = () => page.locator(".lines").innerText();
    const evil = `<img src=x onerror="globalThis.wasHit = true"> line`;
    await print(evil);
    await expect.poll(lines).toContain(evil);
    await page.getByLabel("Filter the log").fill("ONERROR");
    await expect.poll(() => page.locator(".lines li").count()).toBe(1);
    await page.getByLabel("Filter the log").fill("");
    await button("Pause the log").click();
    await print("while nobody looked");
    await expect
      .poll(() => page.locator(".log-foot").innerText())
      .toMatch(/paused; \d+ newer line/);
    expect(await lines()).not.toContain("while nobody looked");
    await button("Resume the log").click();
    await expect.poll(lines).toContain("while nobody looked");
    expect(await page.evaluate("globalThis.wasHit")).toBeUndefined();
  });

  test("shows paths and ids of others as text", async () => {
    await open();
    const evil = `/%3Cimg%20src=x%20onerror=globalThis.wasHit=1%3E<script>`;
    using asked = ask(`hang${evil}`);
    await expect
      .poll(() => page.locator("table.requests tbody").innerText())
      .toContain(`/hang${evil}`);
    await open("<b>x</b>");
    expect(await page.locator("h1").innerText()).toBe("<b>x</b>");
    expect(await page.locator("main").innerText()).toContain("no plugin of this name");
    expect(await page.evaluate("globalThis.wasHit")).toBeUndefined();
    void asked;
  });

  test("shows whom a request waits for, and breaks it once that is confirmed", async () => {
    await open();
    const asked = ask("hang/for-ever");
    const found = page.locator("table.requests tbody tr", { hasText: "/hang/for-ever" });
    await expect.poll(() => found.innerText()).toMatch(/no answer yet[\s\S]*the plugin to write/);
    await found.getByRole("button").click();
    await page.locator("dialog .primary").click();
    await expect.poll(notice).toContain("The request is broken.");
    expect(await asked.status).toBe(503);
    await expect.poll(() => found.count()).toBe(0);
  });

  test("turns pages of open requests, sorts and filters them", async () => {
    await open();
    await expect.poll(() => site.host.exchanges.length).toBe(0);
    using asked = new DisposableStack();
    for (let index = 0; index < 25; index += 1) {
      asked.use(ask(`hang/${String(index).padStart(2, "0")}`));
    }
    const rows = page.locator("table.requests tbody tr");
    await expect
      .poll(() => page.locator(".pager").innerText())
      .toContain("20 requests of 25, page 1");
    await button("Newer").click();
    await expect.poll(() => rows.count()).toBe(5);
    await button("Older").click();
    await expect.poll(() => rows.count()).toBe(20);
    const head = page.locator("table.requests thead th").first();
    await head.getByRole("button").click();
    await expect.poll(() => head.getAttribute("aria-sort")).toBe("descending");
    await expect.poll(() => rows.first().innerText()).toContain("/hang/19");
    // It is on the other page.
    await page.getByLabel("Filter open requests").fill("hang/23 GET");
    await expect.poll(() => rows.allInnerTexts()).toEqual([expect.stringContaining("/hang/23")]);
    await page.getByLabel("Filter open requests").fill("nothing");
    await expect
      .poll(() => page.locator(".exchanges .empty").innerText())
      .toContain("fits the filter");
    await page.getByLabel("Filter open requests").fill("");
    await page.getByRole("button", { name: "25 wait for the plugin to write" }).click();
    await expect.poll(() => rows.count()).toBe(20);
    await page.getByRole("button", { name: "25 wait for the plugin to write" }).click();
  });

  test("says that the connection is lost, and goes on when it is there again", async () => {
    await open();
    await site.disconnectAdmin();
    await expect
      .poll(() => page.locator(".connection").innerText())
      .toContain("The connection to the host is lost.");
    expect(await page.locator(".live-mark").innerText()).toBe("Not connected");
    await site.connectAdmin();
    await expect.poll(() => page.locator(".live-mark").innerText()).toBe("Live");
    expect(await page.locator(".connection").innerText()).toBe("Connected again.");
  });

  test("lets go of its connections while nobody sees it", async () => {
    await open();
    const isHidden = (hidden: boolean) =>
      page.evaluate(
        `Object.defineProperty(document, "hidden", { value: ${hidden}, configurable: true });
         document.dispatchEvent(new Event("visibilitychange"));`,
      );
    const ended = page.waitForEvent("requestfailed", (asked) =>
      asked.url().includes("/api/events"),
    );
    await isHidden(true);
    await ended;
    await site.host.add("later", { handler: (_, response) => void response.end() });
    const begun = page.waitForRequest(/\/api\/events/);
    await isHidden(false);
    await begun;
    await expect.poll(() => row("later").count()).toBe(1);
    await site.host.remove("later");
    await expect.poll(() => row("later").count()).toBe(0);
  });

  test("changes what the host logs", async () => {
    const level = page.locator("footer select");
    await level.selectOption("debug");
    await page.keyboard.press("Escape");
    await expect.poll(() => level.inputValue()).toBe("info");
    await level.selectOption("warn");
    await page.locator("dialog .primary").click();
    await expect.poll(notice).toContain("The host logs from warn on.");
    await expect.poll(() => level.inputValue()).toBe("warn");
    expect(site.logger.level).toBe("warn");
  });

  test("is used with the keyboard alone", async () => {
    await open();
    await row("notes").locator("a").focus();
    await page.keyboard.press("Enter");
    await expect.poll(focused).toBe("notes");
    await page.keyboard.press("Tab");
    await expect.poll(focused).toBe("Reload");
    await page.keyboard.press("Enter");
    await expect.poll(focused).toBe("Cancel");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Escape");
    await expect.poll(focused).toBe("Reload");
    await page.goBack();
    await expect.poll(() => page.locator("h1").innerText()).toMatch(/broken/);
  });

  test.each([
    ["light", "laptop", 1_280, 800],
    ["dark", "laptop", 1_280, 800],
    ["dark", "phone", 390, 844],
  ] as const)("can be read by all, %s and on a %s", async (colorScheme, _device, width, height) => {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    using asked = ask("stream/x");
    await open();
    await page.locator("table.requests tbody tr").waitFor();
    expect(await violations()).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
    await open("broken");
    await page.locator(".history li.bad").first().waitFor();
    await page.locator("details summary").click();
    expect(await violations()).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
    await button("Start").click();
    expect(await violations()).toEqual([]);
    await page.keyboard.press("Escape");
    void asked;
  });

  test("has buttons for fingers on a phone", async () => {
    await open();
    const heights = await page
      .locator("button:visible, select:visible, input:visible")
      .evaluateAll((controls: { offsetHeight: number }[]) =>
        controls.map((one) => one.offsetHeight),
      );
    expect(Math.min(...heights)).toBeGreaterThanOrEqual(44);
  });

  /** Has the plugin `notes` print a line. */
  function print(body: string): Promise<Response> {
    return fetch(`${site.notesUrl}print`, { method: "POST", body });
  }

  /** What axe finds wrong with the page as it is now. */
  async function violations(): Promise<unknown> {
    await page.evaluate(axe.source);
    return page.evaluate(`axe.run().then(({ violations }) => violations.map(
      ({ id, nodes }) => ({ id, nodes: nodes.map(({ failureSummary, html }) => [html, failureSummary]) }),
    ))`);
  }

  /** Asks the plugin `notes`, with a path as it is. Disposing of it leaves. */
  function ask(path: string): Disposable & { readonly status: Promise<number | undefined> } {
    const { hostname, port, pathname } = new URL(site.notesUrl);
    const asked = startRequest({ host: hostname, port, path: `${pathname}${path}` });
    const status = new Promise<number | undefined>((resolve) => {
      asked.once("response", ({ statusCode }) => resolve(statusCode));
      asked.once("error", () => resolve(undefined));
    });
    asked.end();
    return { status, [Symbol.dispose]: () => void asked.destroy() };
  }
});
