import type { Attributes } from "@opentelemetry/api";
import { DataPointType, type MetricData, type ResourceMetrics } from "@opentelemetry/sdk-metrics";

/** A text of metrics, and what it says of itself. */
export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

/**
 * Writes metrics in the format that the scraper asks for: OpenMetrics 1.0, or Prometheus' own text.
 * Names are those of OpenTelemetry's specification ("Prometheus and OpenMetrics Compatibility"): the
 * unit is part of a name, and so is `_total` of a counter.
 *
 * @param accept the Accept field of the request
 */
export function prometheusText(metrics: ResourceMetrics, accept: string): MetricsText {
  const isOpenMetrics = /application\/openmetrics-text/i.test(accept);
  const { resource, scopeMetrics } = metrics;
  const families = scopeMetrics
    .flatMap((scope) => scope.metrics)
    .filter(({ dataPoints }) => dataPoints.length > 0)
    .map((metric) => familyText(metric, isOpenMetrics));
  const target = targetText(resource.attributes, isOpenMetrics);
  return isOpenMetrics
    ? {
        contentType: "application/openmetrics-text; version=1.0.0; charset=utf-8",
        text: `${target}${families.join("")}# EOF\n`,
      }
    : {
        contentType: "text/plain; version=0.0.4; charset=utf-8",
        text: `${target}${families.join("")}`,
      };
}

/** What a scraper gets of the program itself, with the attributes of the resource. */
function targetText(attributes: Attributes, isOpenMetrics: boolean): string {
  const [family, type] = isOpenMetrics ? ["target", "info"] : ["target_info", "gauge"];
  const sample = `target_info${labels(attributes)} 1\n`;
  return `# TYPE ${family} ${type}\n# HELP ${family} The host\n${sample}`;
}

function familyText(metric: MetricData, isOpenMetrics: boolean): string {
  const { description, name, unit } = metric.descriptor;
  const isCounter = metric.dataPointType === DataPointType.SUM && metric.isMonotonic;
  const unitWord = units.get(unit);
  const base = `${name.replaceAll(/[^A-Za-z0-9_:]+/g, "_")}${unitWord === undefined ? "" : `_${unitWord}`}`;
  const sample = isCounter ? `${base}_total` : base;
  // In OpenMetrics a counter's `_total` is no part of its family's name.
  const family = isOpenMetrics ? base : sample;
  const type = isHistogram(metric) ? "histogram" : isCounter ? "counter" : "gauge";
  const head = [
    `# TYPE ${family} ${type}\n`,
    isOpenMetrics && unitWord !== undefined ? `# UNIT ${family} ${unitWord}\n` : "",
    `# HELP ${family} ${escaped(description)}\n`,
  ];
  return head.join("") + samplesText(metric, sample, isOpenMetrics);
}

function samplesText(metric: MetricData, name: string, isOpenMetrics: boolean): string {
  let text = "";
  if (metric.dataPointType === DataPointType.HISTOGRAM) {
    for (const { attributes, value } of metric.dataPoints) {
      const { boundaries, counts } = value.buckets;
      let below = 0;
      for (const [index, count] of counts.entries()) {
        below += count;
        const bound = boundaryText(boundaries[index], isOpenMetrics);
        text += `${name}_bucket${labels({ ...attributes, le: bound })} ${below}\n`;
      }
      text += `${name}_sum${labels(attributes)} ${value.sum ?? 0}\n`;
      text += `${name}_count${labels(attributes)} ${value.count}\n`;
    }
  } else if (metric.dataPointType !== DataPointType.EXPONENTIAL_HISTOGRAM) {
    for (const { attributes, value } of metric.dataPoints) {
      text += `${name}${labels(attributes)} ${value}\n`;
    }
  }
  return text;
}

function isHistogram({ dataPointType }: MetricData): boolean {
  return dataPointType === DataPointType.HISTOGRAM;
}

/** How Prometheus writes the units that there are. Those in braces are words for people. */
const units: ReadonlyMap<string, string> = new Map([
  ["s", "seconds"],
  ["By", "bytes"],
]);

/** OpenMetrics wants a float where a number is one. */
function boundaryText(boundary: number | undefined, isOpenMetrics: boolean): string {
  if (boundary === undefined) {
    return "+Inf";
  }
  return isOpenMetrics && Number.isInteger(boundary) ? `${boundary}.0` : String(boundary);
}

function labels(attributes: Attributes): string {
  const pairs = Object.entries(attributes).map(
    ([name, value]) =>
      `${name.replaceAll(/[^A-Za-z0-9_]+/g, "_")}="${escaped(String(value)).replaceAll('"', '\\"')}"`,
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
