import { expect, it } from "vitest";
import { Footer } from "./footer.js";

function footer(columns = 20) {
  const written: string[] = [];
  const screen = { columns, write: (text: string) => void written.push(text) };
  return { footer: new Footer(screen), written };
}

it("stays below what is written", () => {
  const { footer: shown, written } = footer();
  shown.show(["a", "b"]);
  shown.above(() => written.push("log\n"));
  shown.show([]);
  expect(written).toEqual([
    "a\nb\n",
    "\u001B[2A\r\u001B[J",
    "log\n",
    "a\nb\n",
    "\u001B[2A\r\u001B[J",
  ]);
});

it("cuts lines to the screen, and leaves styles whole", () => {
  const { footer: shown, written } = footer(6);
  shown.show(["\u001B[1mabcdefgh\u001B[22m"]);
  expect(written).toEqual(["\u001B[1mabcde\u001B[22m\n"]);
});
