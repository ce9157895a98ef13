import type { Page } from "@servehttp/testkit/chromium";
import { expect } from "vitest";
import type { ExampleSite } from "../example-site.js";

/** Style sheet and image are there, and the script counts. */
export async function isAlive(page: Page): Promise<void> {
  await hasAssets(page);
  // Only once the script has taken over does a press count.
  await expect
    .poll(async () => {
      await page.click("#count");
      return Number(await page.textContent("#count"));
    })
    .toBeGreaterThan(0);
  expect(await headingOf(page)).toBe("Home");
}

/** Style sheet and image are there. */
export async function hasAssets(page: Page): Promise<void> {
  const headingColor = "getComputedStyle(document.querySelector('h1')).color";
  await page.locator("h1").waitFor();
  await expect.poll(() => page.evaluate(headingColor)).toBe("rgb(13, 122, 95)");
  const logoWidth = "document.querySelector('#logo').naturalWidth";
  await expect.poll(() => page.evaluate(logoWidth)).toBeGreaterThan(0);
}

/** Links change the page without loading it anew, back and forward too; a reload keeps the place. */
export async function navigates(page: Page, site: ExampleSite): Promise<void> {
  await isAlive(page);
  await page.evaluate("globalThis.kept = true");
  await page.click("#about");
  await expect.poll(() => headingOf(page)).toBe("About");
  expect(new URL(page.url()).pathname).toBe(`${site.url.pathname}about`);
  await page.goBack();
  await expect.poll(() => headingOf(page)).toBe("Home");
  await page.goForward();
  await expect.poll(() => headingOf(page)).toBe("About");
  expect(await page.evaluate("globalThis.kept")).toBe(true);
  await page.reload();
  expect(await page.evaluate("globalThis.kept")).toBe(undefined);
  await expect.poll(() => headingOf(page)).toBe("About");
  await page.click("a");
  await isAlive(page);
}

/** What is sent by the form is on the page, and still there on the next. */
export async function keepsWhatIsSaid(page: Page): Promise<void> {
  await page.locator("#say").waitFor();
  await page.fill("#say [name=text]", "remember the milk");
  await page.click("#say button");
  const said = () => page.locator("#said li").allTextContents();
  await expect.poll(said).toContain("remember the milk");
  await page.reload();
  await expect.poll(said).toContain("remember the milk");
}

/** The heading; empty while a page makes room for another. */
export async function headingOf(page: Page): Promise<string> {
  return (await page.locator("h1").allTextContents()).join();
}
