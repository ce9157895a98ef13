import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";
import { type Environment, given, wrong } from "../otlp/otlp-environment.js";

/** A sampler, and the share of traces that begin here which it wants, from 0 to 1. */
export interface Sampling {
  readonly sampler: Sampler;
  readonly rootShare: number;
}

/**
 * The sampler that `OTEL_TRACES_SAMPLER` names, with `OTEL_TRACES_SAMPLER_ARG` as its share of
 * traces. Default: all traces, and those that come from elsewhere as was decided there.
 *
 * @throws ServeHTTPError `invalid-argument` for what is none
 */
export function readSampler(environment: Environment): Sampling {
  const name = given(environment, samplerName) ?? "parentbased_always_on";
  const make = samplers.get(name);
  if (make === undefined) {
    throw wrong(samplerName, name, Array.from(samplers.keys(), (one) => `"${one}"`).join(", "));
  }
  return make(environment);
}

const samplerName = "OTEL_TRACES_SAMPLER";

const samplers = new Map<string, (environment: Environment) => Sampling>([
  ["always_on", alwaysOn],
  ["always_off", alwaysOff],
  ["traceidratio", byShare],
  ["parentbased_always_on", () => parentBased(alwaysOn())],
  ["parentbased_always_off", () => parentBased(alwaysOff())],
  ["parentbased_traceidratio", (environment) => parentBased(byShare(environment))],
]);

function alwaysOn(): Sampling {
  return { sampler: new AlwaysOnSampler(), rootShare: 1 };
}

function alwaysOff(): Sampling {
  return { sampler: new AlwaysOffSampler(), rootShare: 0 };
}

function byShare(environment: Environment): Sampling {
  const rootShare = readShare(environment);
  return { sampler: new TraceIdRatioBasedSampler(rootShare), rootShare };
}

function parentBased({ rootShare, sampler }: Sampling): Sampling {
  return { sampler: new ParentBasedSampler({ root: sampler }), rootShare };
}

function readShare(environment: Environment): number {
  const name = `${samplerName}_ARG`;
  const text = given(environment, name) ?? "1";
  const share = Number(text);
  if (!(share >= 0 && share <= 1)) {
    throw wrong(name, text, "a share of all traces, from 0 to 1");
  }
  return share;
}
