import type { Tone } from "../model/plugin-state.js";
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

/** Draws the line of a plugin's life, with a cross where it failed, and at its end how it is now. */
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
  const last = lines.at(-1);
  if (last !== undefined) {
    drawEnd(context, last.tone, xOf(last.toUnixMs), y, ratio);
  }
  context.restore();
}

/** A full dot for a plugin that lives, and an empty one for any other. */
function drawEnd(
  context: CanvasRenderingContext2D,
  tone: Tone,
  x: number,
  y: number,
  ratio: number,
): void {
  context.beginPath();
  context.arc(x, y, 3.75 * ratio, 0, 2 * Math.PI);
  context.fillStyle = colour(tone === "live" ? "--live" : "--paper");
  context.strokeStyle = colour(`--${tone}`);
  context.lineWidth = 2 * ratio;
  context.fill();
  context.stroke();
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
