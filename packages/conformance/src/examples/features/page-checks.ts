import type { Page } from "@servehttp/testkit/chromium";
import { expect } from "vitest";

/** Style sheet and image are there. */
export async function hasAssets(page: Page): Promise<void> {
  const headingColor = "getComputedStyle(document.querySelector('h1')).color";
  await page.locator("h1").waitFor();
  await expect.poll(() => page.evaluate(headingColor)).toBe("rgb(13, 122, 95)");
  const logoWidth = "document.querySelector('#logo').naturalWidth";
  await expect.poll(() => page.evaluate(logoWidth)).toBeGreaterThan(0);
}

/** What is sent by the form is on the page, and still there on the next. */
export async function keepsWhatIsSaid(page: Page): Promise<void> {
  await page.locator("#say").waitFor();
  await page.fill("#say input", "remember the milk");
  await page.click("#say button");
  const said = () => page.locator("#said li").allTextContents();
  await expect.poll(said).toContain("remember the milk");
  await page.reload();
  await expect.poll(said).toContain("remember the milk");
}
