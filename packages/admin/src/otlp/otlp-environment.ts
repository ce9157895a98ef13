import { ServeHTTPError } from "@servehttp/host-bridge";

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What is exported, as the names of variables have it. */
export type Signal = "METRICS" | "TRACES";

/**
 * Whether the `OTEL_…` variables ask for an export to a collector. The specification exports to
 * localhost by default, where mostly nobody listens: here a variable has to say so.
 */
export function wantsExport(environment: Environment, signal: Signal): boolean {
  if (environment["OTEL_SDK_DISABLED"]?.toLowerCase() === "true") {
    return false;
  }
  const exporters = given(environment, `OTEL_${signal}_EXPORTER`);
  if (exporters !== undefined) {
    return exporters.split(",").some((one) => one.trim() === "otlp");
  }
  const names = ["OTEL_EXPORTER_OTLP_ENDPOINT", `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`];
  return names.some((name) => given(environment, name) !== undefined);
}

/** @throws ServeHTTPError `invalid-argument` for a protocol that is not spoken */
export function checkProtocol(environment: Environment, signal: Signal): void {
  const names = [`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`, "OTEL_EXPORTER_OTLP_PROTOCOL"];
  const name = names.find((one) => given(environment, one) !== undefined);
  const protocol = name === undefined ? "http/protobuf" : environment[name];
  if (protocol !== "http/protobuf") {
    throw wrong(`${name}`, protocol, '"http/protobuf", for which collectors listen on port 4318');
  }
}

/**
 * Reads a variable that is a whole number.
 *
 * @throws ServeHTTPError `invalid-argument` for anything else
 */
export function readWhole(
  environment: Environment,
  name: string,
  fallback: number,
  unit: string,
): number {
  const text = given(environment, name);
  if (text === undefined) {
    return fallback;
  }
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw wrong(name, text, `a whole number of ${unit}, 1 or more`);
  }
  return value;
}

/** A variable's value; undefined for one that is empty, too, as the specification has it. */
export function given(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  return value === "" ? undefined : value;
}

export function wrong(name: string, got: unknown, allowed: string): ServeHTTPError {
  const message = `${name}: got ${JSON.stringify(got)}, allowed is ${allowed}`;
  return new ServeHTTPError("invalid-argument", message);
}
