import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Chromium, complaintsOf, type Page } from "@servehttp/testkit/chromium";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type DemoProcess, startDemoProcess } from "./demo-process.js";

describe("the page in Chromium", () => {
  let demo: DemoProcess;
  let browser: Chromium;
  let directory: string;
  let page: Page;
  /** What the page complained of: anything here fails the test that it happened in. */
  let complaints: readonly string[];
  /** But for these. */
  let allowed: RegExp | undefined;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "servehttp-demo-browser-"));
    demo = await startDemoProcess();
    browser = await Chromium.launch();
  });

  afterAll(async () => {
    await browser[Symbol.asyncDispose]();
    await demo[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  beforeEach(async () => {
    page = await browser.newPage();
    complaints = complaintsOf(page, 500);
    allowed = undefined;
    await page.goto(demo.url);
  });

  afterEach(async () => {
    await page.close();
    const wrong = complaints.filter((complaint) => allowed?.test(complaint) !== true);
    if (wrong.length > 0) {
      throw new Error(`the page complained: ${wrong.join("; ")}`);
    }
  });

  const textOf = async (selector: string) => (await page.textContent(selector)) ?? "";
  const latestUpload = () => page.locator("#uploads li").first().innerText();

  test("shows every plugin as a process of its own", async () => {
    await page.locator("#processes tr").nth(5).waitFor();
    const column = (number: number) =>
      page.locator(`#processes td:nth-child(${number})`).allInnerTexts();
    expect(await column(1)).toEqual(["files", "events", "hello", "chat", "express", "hono"]);
    expect(new Set(await column(2))).toEqual(new Set(["ready"]));
    expect(new Set(await column(3))).toHaveLength(6);
  });

  test("shows a killed plugin come back as another process, and its stream with it", async () => {
    const row = page.locator("#processes tr", { hasText: "events" });
    const pid = () => row.locator("td").nth(2).innerText();
    await expect.poll(() => textOf("#subscribers")).toBe("the plugin counts 1 subscriber");
    const before = await pid();
    allowed = /^503 .*\/plugins\/events\//;
    await row.getByRole("button").click();
    await expect
      .poll(() => textOf("#kill-status"))
      .toBe(
        `Process ${before} of events is killed. The host starts another; requests wait for it.`,
      );
    await expect.poll(() => row.locator("td").nth(5).innerText()).toBe("1");
    await expect.poll(pid).not.toBe(before);
    await expect.poll(() => textOf("#subscribers")).toBe("the plugin counts 1 subscriber");
  });

  test("uploads a file with progress, and shows the hash that the browser finds as well", async () => {
    const bytes = randomBytes(24 * 1_048_576);
    const path = join(directory, "from disk.bin");
    await writeFile(path, bytes);
    await page.selectOption("#pace", { label: "8 MiB a second" });
    await page.setInputFiles("#file-input", path);
    const progress = () =>
      page.locator("#sending-progress").evaluate((bar: { value: number }) => bar.value);
    const seen = new Set<number>();
    await expect
      .poll(async () => seen.add(await progress()) && (await latestUpload()), {
        interval: 100,
      })
      .toMatch(/^from disk\.bin\s+stored, 24\.0 MiB$/);
    expect(seen.size).toBeGreaterThan(5);
    await page.locator("#sending-hash .match").waitFor();
    expect(await textOf("#sending-hash")).toContain(
      createHash("sha256").update(bytes).digest("hex"),
    );
    expect(await textOf("#sending-status")).toMatch(/^24\.0 MiB in [\d.]+ s, [\d.]+ MiB\/s$/);
  });

  test("cancels an upload, and the plugin knows how far it came and why", async () => {
    await page.selectOption("#pace", { label: "1 MiB a second" });
    await page.click('#random-buttons [data-mib="64"]');
    await expect
      .poll(latestUpload)
      .toMatch(/^random-64-MiB\.bin\s+read [1-9][\d.]* MiB of 64\.0 MiB$/);
    await page.click("#sending-cancel");
    const told =
      /^You cancelled\. Your browser had sent ([\d.]+) MiB, of which the plugin had read ([\d.]+ MiB)\.$/;
    await expect.poll(() => textOf("#sending-status")).toMatch(told);
    const [, sent = "", read = ""] = told.exec(await textOf("#sending-status")) ?? [];
    expect(Number(sent)).toBeGreaterThanOrEqual(Number.parseFloat(read));
    await expect
      .poll(latestUpload)
      .toMatch(
        new RegExp(`^random-64-MiB\\.bin\\s+cancelled by the client when ${read} were read$`),
      );
    expect(await textOf("#stored")).not.toContain("random-64-MiB.bin");
  });

  test("lists what is stored, probes its ranges, downloads and deletes it", async () => {
    await page.click('#random-buttons [data-mib="1"]');
    const item = page.locator("#stored li", { hasText: "random-1-MiB.bin" });
    await item.getByRole("button", { name: "Probe ranges" }).click();
    await expect
      .poll(() => item.locator(".tag").allInnerTexts())
      .toEqual([
        "bytes=0-15 → 206 bytes 0-15/1048576",
        "bytes=-16 → 206 bytes 1048560-1048575/1048576",
        "bytes=1048576- → 416 bytes */1048576",
      ]);
    expect(await item.locator(".wrong").count()).toBe(0);
    const downloading = page.waitForEvent("download");
    await item.getByRole("link").click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe("random-1-MiB.bin");
    const hash = createHash("sha256");
    for await (const chunk of await download.createReadStream()) {
      hash.update(chunk as Buffer);
    }
    expect(await item.locator(".hash").innerText()).toBe(hash.digest("hex"));
    await item.getByRole("button", { name: "Delete" }).click();
    await item.getByRole("button", { name: "Really delete?" }).click();
    await expect.poll(() => item.count()).toBe(0);
    expect(await textOf("#stored-status")).toBe("random-1-MiB.bin is deleted.");
  });

  test("draws the event stream; stopped, no subscriber is left in the plugin", async () => {
    const line = () => page.locator("#chart .series-cpu path").last().getAttribute("d");
    await expect.poll(line).toMatch(/^M[\d. ]+L/);
    const drawn = await line();
    await expect.poll(line).not.toBe(drawn);
    await expect.poll(() => textOf("#subscribers")).toBe("the plugin counts 1 subscriber");
    await page.click("#events-more");
    await expect.poll(() => textOf("#subscribers")).toBe("the plugin counts 2 subscribers");
    const inFlight = page.locator("#processes tr", { hasText: "events" }).locator("td").nth(4);
    await expect.poll(() => inFlight.innerText()).toBe("2");
    await page.click("#events-toggle");
    await expect
      .poll(() => textOf("#subscribers"))
      .toBe("the plugin counts 0 subscribers, its timer is stopped");
    await page.click("#events-toggle");
    await expect.poll(() => textOf("#subscribers")).toBe("the plugin counts 1 subscriber");
  });

  test("greets who the host says you are, whatever you forge", async () => {
    const answer = () => page.locator("#hello-answer").innerText();
    await page.click('#users [data-user="grace"]');
    await expect.poll(answer).toContain("Hello, grace");
    await page.click("#hello-forged");
    await expect.poll(answer).toContain("X-User-Id: root");
    expect(await answer()).toMatch(/the plugin saw\s+X-User-Id: grace/);
    expect(await answer()).toMatch(/the host’s cookie\s+not passed on/);
  });

  test("talks over a WebSocket, with everybody else there", async () => {
    const other = await browser.newPage();
    await other.goto(demo.url);
    await expect.poll(() => textOf("#chat-present")).toBe("2 connections");
    await other.fill("#chat-text", "anybody here? <b>");
    await other.press("#chat-text", "Enter");
    await expect
      .poll(() => page.locator("#chat-messages li").last().innerText())
      .toContain("anybody here? <b>");
    await other.click("#chat-leave");
    await expect.poll(() => other.textContent("#chat-present")).toBe("you left");
    expect(await other.isDisabled("#chat-send")).toBe(true);
    await other.close();
    await expect.poll(() => textOf("#chat-present")).toBe("1 connection");
  });

  test("enters the chat again by itself when its plugin was killed", async () => {
    await expect.poll(() => textOf("#chat-present")).toBe("1 connection");
    allowed = /^503 /;
    await page.getByRole("button", { name: "Kill the process of chat" }).click();
    await expect.poll(() => textOf("#chat-present")).toMatch(/^connection lost \(1006\)/);
    await expect.poll(() => textOf("#chat-present")).toBe("1 connection");
    await page.fill("#chat-text", "back again");
    await page.press("#chat-text", "Enter");
    await expect
      .poll(() => page.locator("#chat-messages li").last().innerText())
      .toContain("back again");
  });

  test("fits a phone without scrolling sideways, with buttons for fingers", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.click('#random-buttons [data-mib="1"]');
    await page.locator("#stored li", { hasText: "random-1-MiB.bin" }).waitFor();
    await page.locator("#processes tr").nth(5).waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(360);
    const heights = await page
      .locator("button:visible, select:visible")
      .evaluateAll((controls: { offsetHeight: number }[]) =>
        controls.map((one) => one.offsetHeight),
      );
    expect(Math.min(...heights)).toBeGreaterThanOrEqual(40);
  });

  test("keeps notes in an Express application", async () => {
    await page.fill("#note-text", "remember the milk");
    await page.press("#note-text", "Enter");
    const note = page.locator("#notes li", { hasText: "remember the milk" });
    await note.getByRole("button").click();
    await expect.poll(() => note.count()).toBe(0);
    await page.fill("#note-text", " ");
    await page.press("#note-text", "Enter");
    await expect.poll(() => textOf("#note-status")).toBe("text: 1 to 200 characters");
  });

  test("hears a Hono application out, or leaves it in the middle", async () => {
    await page.click("#tale-toggle");
    await expect.poll(() => textOf("#tale")).toContain("A request came ");
    await page.click("#tale-toggle");
    await expect
      .poll(() => textOf("#tale-status"))
      .toMatch(/told to the end 0 times, left early once$/);
    expect(await textOf("#tale")).not.toContain("the next was known");
    await page.click("#tale-toggle");
    await expect
      .poll(() => textOf("#tale-status"))
      .toMatch(/told to the end once, left early once$/);
    expect(await textOf("#tale")).toContain("the next was known");
  });
});
