import { signal, useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Stretch } from "../model/timeline.js";
import { colour, themeChanges } from "./colours.js";
import { drawLifeline } from "./draw-lifeline.js";

/** The time that the reader points at in any chart, in milliseconds since the Unix epoch. */
export const pointedUnixMs = signal<number | undefined>(undefined);

/** One line of a chart. */
export interface ChartLine {
  /** A colour of the stylesheet: `--live`. */
  readonly colour: string;
  /** The colour of the area below it. Default: none. */
  readonly fill?: string;
  /** Lengths of dashes and gaps, in pixels. Default: a solid line. */
  readonly dash?: readonly number[];
  /** One for each time; null: nothing is known, and the line has a gap. */
  readonly values: readonly (number | null)[];
}

export interface ChartProps {
  /** Says what a reader would see, for those who can't. */
  readonly label: string;
  /** Ascending, in milliseconds since the Unix epoch. */
  readonly timesUnixMs: readonly number[];
  readonly lines: readonly ChartLine[];
  /** The edges of the chart. */
  readonly fromUnixMs: number;
  readonly toUnixMs: number;
  /** In pixels. */
  readonly height: number;
  /** The chart goes up to this at least: small changes of nothing much look small. */
  readonly topMin: number;
  /** Writes the figures at the axis. Default: there are no axes. */
  readonly format?: (value: number) => string;
  /** Steps of the axis. Default: 1, 2 and 5 times a power of 10. */
  readonly steps?: readonly number[];
  /** The line of the plugin's life, below. Default: none. */
  readonly life?: {
    readonly stretches: readonly Stretch[];
    readonly failuresUnixMs: readonly number[];
  };
}

/** Room for the line of life, in pixels, and for the dot at its end. */
const lifePixels = 14;
const endPixels = 6;

/** No time is written so near to the end of the axis. */
const edgeSeconds = 20;

/** A line chart over time. It is a picture: what it shows has to be on the page in words as well. */
export function Chart(props: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const latest = useRef(props);
  latest.current = props;
  /** Only what can be seen is drawn: a host may have hundreds of plugins, and each second has a sample. */
  const isInView = useRef(false);

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) {
      return undefined;
    }
    const made = new uPlot(optionsOf(latest, element.clientWidth), dataOf(props), element);
    plot.current = made;
    const resized = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: latest.current.height });
    });
    resized.observe(element);
    const scrolled = new IntersectionObserver((entries) => {
      isInView.current = entries.at(-1)?.isIntersecting === true;
      if (isInView.current) {
        made.setData(dataOf(latest.current));
      }
    });
    scrolled.observe(element);
    return () => {
      resized.disconnect();
      scrolled.disconnect();
      made.destroy();
      plot.current = undefined;
    };
    // The number of lines and the axes never change in the life of a chart.
  }, []);

  useLayoutEffect(() => {
    if (isInView.current) {
      plot.current?.setData(dataOf(props));
    }
  }, [props.timesUnixMs, props.toUnixMs, props.life]);

  useSignalEffect(() => {
    void themeChanges.value;
    plot.current?.redraw(false, true);
  });

  return <div ref={box} class="chart" role="img" aria-label={props.label} />;
}

/** The edges are in the data, so that the axis has them. */
function dataOf({ timesUnixMs, lines, fromUnixMs, toUnixMs }: ChartProps): uPlot.AlignedData {
  const shown = timesUnixMs.findIndex((time) => time > fromUnixMs);
  const from = shown < 0 ? timesUnixMs.length : shown;
  return [
    [fromUnixMs, ...timesUnixMs.slice(from), toUnixMs].map((ms) => ms / 1_000),
    ...lines.map(({ values }) => [null, ...values.slice(from), null]),
  ];
}

function optionsOf(latest: { readonly current: ChartProps }, width: number): uPlot.Options {
  const { height, lines, topMin, format, steps, life } = latest.current;
  const lifeHeight = life === undefined ? 0 : lifePixels;
  return {
    width,
    height,
    padding: [6, endPixels, format === undefined ? lifeHeight : 0, 0],
    legend: { show: false },
    select: { show: false, left: 0, top: 0, width: 0, height: 0 },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 }, sync: { key: "time" } },
    scales: {
      x: { time: true, range: (_, min, max) => [min, max] },
      y: { range: (_, __, max) => [0, Math.max(max ?? 0, topMin) * 1.08] },
    },
    axes:
      format === undefined ? [{ show: false }, { show: false }] : axesOf(format, steps, lifeHeight),
    series: [
      {},
      ...lines.map((line) => ({
        stroke: () => colour(line.colour),
        ...(line.fill === undefined ? {} : { fill: () => colour(line.fill ?? "") }),
        ...(line.dash === undefined ? {} : { dash: [...line.dash] }),
        width: 1.5,
        points: { show: false },
      })),
    ],
    hooks: {
      setCursor: [
        (made) => {
          const { left = -1 } = made.cursor;
          pointedUnixMs.value = left < 0 ? undefined : made.posToVal(left, "x") * 1_000;
        },
      ],
      draw: [(made) => drawLife(made, latest.current)],
    },
  };
}

function drawLife(made: uPlot, { life }: ChartProps): void {
  if (life !== undefined) {
    const ratio = made.bbox.height === 0 ? 1 : devicePixelRatio;
    drawLifeline(made.ctx, life.stretches, life.failuresUnixMs, {
      y: made.bbox.top + made.bbox.height + (lifePixels / 2) * ratio,
      xOf: (unixMs) => made.valToPos(unixMs / 1_000, "x", true),
      ratio,
    });
  }
}

function axesOf(
  format: (value: number) => string,
  steps: readonly number[] | undefined,
  lifeHeight: number,
): uPlot.Axis[] {
  const look = {
    stroke: () => colour("--soft"),
    font: `12px ${colour("--sans")}`,
    ticks: { show: false },
  };
  return [
    {
      ...look,
      gap: 4 + lifeHeight,
      size: 22 + lifeHeight,
      space: 90,
      grid: { stroke: () => colour("--grid"), width: 1 },
      values: (made, splits) => {
        // At the very edge there is no room for one.
        const end = (made.scales["x"]?.max ?? Infinity) - edgeSeconds;
        return splits.map((seconds) => (seconds > end ? "" : minuteOf(seconds * 1_000)));
      },
    },
    {
      ...look,
      gap: 8,
      size: 60,
      space: 32,
      ...(steps === undefined ? {} : { incrs: [...steps] }),
      grid: { stroke: () => colour("--grid"), width: 1 },
      values: (_, splits) => splits.map(format),
    },
  ];
}

function minuteOf(unixMs: number): string {
  return new Date(unixMs).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}
