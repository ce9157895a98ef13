import type { Stretch } from "../model/timeline.js";
import { colour } from "./colours.js";

/** Where the line is drawn, in pixels of the canvas. */
export interface LifelinePlace {
  readonly y: number;
  readonly xOf: (unixMs: number) => number;
  /** Pixels of the canvas to one of CSS. */
  readonly ratio: number;
}

/** Dashes of each tone, in pixels of CSS: the line says without a colour what is the matter. */
const dashes = { live: [], wait: [5, 4], bad: [1.5, 4], still: [1.5, 6] } as const;

/** Draws the line of a plugin's life, with a cross where it failed. */
export function drawLifeline(
  context: CanvasRenderingContext2D,
  lines: readonly Stretch[],
  failuresUnixMs: readonly number[],
  { y, xOf, ratio }: LifelinePlace,
): void {
  context.save();
  context.lineCap = "butt";
  for (const { fromUnixMs, toUnixMs, tone } of lines) {
    context.beginPath();
    context.strokeStyle = colour(`--${tone}`);
    context.lineWidth = 3 * ratio;
    context.setLineDash(dashes[tone].map((length) => length * ratio));
    context.moveTo(xOf(fromUnixMs), y);
    context.lineTo(xOf(toUnixMs), y);
    context.stroke();
  }
  context.setLineDash([]);
  for (const failureUnixMs of failuresUnixMs) {
    drawCross(context, xOf(failureUnixMs), y, ratio);
  }
  context.restore();
}

function drawCross(context: CanvasRenderingContext2D, x: number, y: number, ratio: number): void {
  const arm = 3.5 * ratio;
  for (const [style, width] of [
    ["--paper", 6],
    ["--bad", 2],
  ] as const) {
    context.beginPath();
    context.strokeStyle = colour(style);
    context.lineWidth = width * ratio;
    context.moveTo(x - arm, y - arm);
    context.lineTo(x + arm, y + arm);
    context.moveTo(x - arm, y + arm);
    context.lineTo(x + arm, y - arm);
    context.stroke();
  }
}
