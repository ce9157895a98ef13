import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";
import { type Environment, given, wrong } from "../otlp/otlp-environment.js";

/**
 * The sampler that `OTEL_TRACES_SAMPLER` names, with `OTEL_TRACES_SAMPLER_ARG` as its share of
 * traces. Default: all traces, and those that come from elsewhere as was decided there.
 *
 * @throws ServeHTTPError `invalid-argument` for what is none
 */
export function readSampler(environment: Environment): Sampler {
  const name = given(environment, samplerName) ?? "parentbased_always_on";
  const make = samplers.get(name);
  if (make === undefined) {
    throw wrong(samplerName, name, Array.from(samplers.keys(), (one) => `"${one}"`).join(", "));
  }
  return make(environment);
}

const samplerName = "OTEL_TRACES_SAMPLER";

const samplers = new Map<string, (environment: Environment) => Sampler>([
  ["always_on", () => new AlwaysOnSampler()],
  ["always_off", () => new AlwaysOffSampler()],
  ["traceidratio", (environment) => new TraceIdRatioBasedSampler(readShare(environment))],
  ["parentbased_always_on", () => new ParentBasedSampler({ root: new AlwaysOnSampler() })],
  ["parentbased_always_off", () => new ParentBasedSampler({ root: new AlwaysOffSampler() })],
  [
    "parentbased_traceidratio",
    (environment) =>
      new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(readShare(environment)) }),
  ],
]);

function readShare(environment: Environment): number {
  const name = `${samplerName}_ARG`;
  const text = given(environment, name) ?? "1";
  const share = Number(text);
  if (!(share >= 0 && share <= 1)) {
    throw wrong(name, text, "a share of all traces, from 0 to 1");
  }
  return share;
}
