import { element } from "./element.js";
import * as format from "./format.js";

const width = 600;
const height = 180;
const windowMs = 60_000;

const series = [
  {
    name: "cpu",
    label: "CPU",
    fraction: (load) => load.cpuFraction,
    figure: (load) => [format.percent(load.cpuFraction)],
  },
  {
    name: "memory",
    label: "Memory",
    fraction: (load) => load.memoryUsedBytes / load.memoryTotalBytes,
    figure: (load) => [
      format.bytes(load.memoryUsedBytes),
      `of ${format.bytes(load.memoryTotalBytes)}`,
    ],
  },
  {
    name: "plugin",
    label: "This plugin",
    fraction: (load) => load.processCpuFraction,
    figure: (load) => [
      format.percent(load.processCpuFraction),
      format.bytes(load.processMemoryBytes),
    ],
  },
];

/** The last minute of load as lines from 0 to 100 %, with the latest figures below. */
export class LoadChart {
  #loads = [];
  #lines = new Map();
  #figures = new Map();

  constructor(place) {
    const plot = element("div", { class: "plot" }, this.#drawing());
    for (const [label, top] of [
      ["100 %", 0],
      ["50 %", 50],
    ]) {
      const scale = element("span", { class: "scale" }, label);
      scale.style.top = `${top}%`;
      plot.append(scale);
    }
    const legend = element("dl", { class: "legend" });
    for (const { name, label } of series) {
      const figure = element("dd", {}, "–");
      this.#figures.set(name, figure);
      legend.append(element("div", { class: `series-${name}` }, element("dt", {}, label), figure));
    }
    place.replaceChildren(plot, legend);
  }

  /** Adds what the plugin sent, and draws. */
  add(load) {
    this.#loads = [
      ...this.#loads.filter(({ atUnixMs }) => atUnixMs > load.atUnixMs - windowMs),
      load,
    ];
    for (const { name, fraction, figure } of series) {
      const points = this.#loads.map((each) => {
        const x = width - ((load.atUnixMs - each.atUnixMs) / windowMs) * width;
        return [x, height - fraction(each) * height];
      });
      const { line, area } = this.#lines.get(name);
      const path = points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");
      line.setAttribute("d", `M${path}`);
      area?.setAttribute("d", `M${points[0][0].toFixed(1)} ${height}L${path}L${width} ${height}Z`);
      const [value, note = ""] = figure(load);
      this.#figures.get(name).replaceChildren(value, element("small", {}, note));
    }
  }

  #drawing() {
    const svg = drawn("svg", {
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: "none",
      role: "img",
    });
    svg.setAttribute("aria-label", "CPU and memory of the last minute");
    for (const y of [0, height / 2]) {
      svg.append(drawn("line", { class: "grid", x1: 0, x2: width, y1: y, y2: y }));
    }
    for (const { name } of series) {
      const group = drawn("g", { class: `series-${name}` });
      const area = name === "cpu" ? drawn("path", { class: "area" }) : undefined;
      const line = drawn("path", {});
      group.append(...[area, line].filter((path) => path !== undefined));
      this.#lines.set(name, { line, area });
      svg.append(group);
    }
    return svg;
  }
}

function drawn(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  return made;
}
