import type { Output } from "../context/command-context.js";
import { clockText } from "./clock-text.js";
import { painted, type Style } from "./painted.js";

/** Records of the access log as lines for people: `12:03:04 GET /plugins/notes/ 200 3 ms 5 B`. */
export function prettyAccess(records: string, output: Output): string {
  return records
    .split("\n")
    .filter((record) => record !== "")
    .map((record) => `${prettyLine(JSON.parse(record) as Record<string, unknown>, output)}\n`)
    .join("");
}

function prettyLine(record: Readonly<Record<string, unknown>>, output: Output): string {
  const of = (name: string) => record[name];
  const status = of("http.response.status_code") as number | undefined;
  const query = of("url.query") as string | undefined;
  const target = `${String(of("url.path"))}${query === undefined ? "" : `?${query}`}`;
  const method = of("http.request.method_original") ?? of("http.request.method");
  const outcome = of("servehttp.outcome");
  const parts = [
    painted("dim", clockText(Number(of("time"))), output),
    String(method),
    printable(target),
    painted(styleOf(Number(status)), status === undefined ? "left" : String(status), output),
    `${Math.round(Number(of("servehttp.total_ms")))} ms`,
    `${String(of("http.response.body.size"))} B`,
  ];
  if (outcome !== "ok") {
    parts.push(painted("yellow", String(outcome), output));
  }
  return parts.join(" ");
}

function styleOf(status: number): Style {
  if (status >= 500) {
    return "red";
  }
  return status >= 400 ? "yellow" : "green";
}

/** No client decides what a terminal does. */
function printable(text: string): string {
  return text.replaceAll(/[^ -~]/gu, (character) => encodeURIComponent(character));
}
