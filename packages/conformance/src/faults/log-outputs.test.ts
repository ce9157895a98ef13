import { sized } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import { askWith, outputs } from "./log-outputs.js";

const carriers = ["mux", "stream"] as const;

describe("a host whose log can't be written", () => {
  it.each(outputs.flatMap((output) => carriers.map((carrier) => [output, carrier] as const)))(
    "answers every request on a %s (H3, %s)",
    async (output, carrier) => {
      const figures = await askWith(output, sized(500), 1, carrier);
      expect(figures.filter(({ isGood }) => !isGood)).toEqual([]);
    },
  );
});
