import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { goProgram } from "../proxies/fetched-software.js";
import { chart, digestLine, manifestNames, manifestPath, valuesPath } from "./chart-digest.js";

/**
 * Lints the chart, and renders the manifests in `deploy/kubernetes` from it, both by a real Helm, which
 * is built from its Go modules: minutes the first time. Fails where a value is taken that the schema
 * of the values should refuse.
 */

const run = promisify(execFile);
const helm = await goProgram("helm.sh/helm/v4/cmd/helm", "v4.3.1");

/** Values that are mistakes, each with what has to be said of it. */
const mistakes: readonly (readonly [setting: string, said: string])[] = [
  ["plugins.notes.replica=3", "additional properties 'replica' not allowed"],
  ["plugins.No_tes.replicas=3", "does not match pattern"],
  ["host.lameDuckSeconds=-1", "minimum: got -1, want 0"],
  ["host.config.listen=x", "'not' failed"],
  ["host.ingress.enabled=true", "minItems: got 0, want 1"],
  ["discovery=guess", "value must be one of 'dns', 'endpointslices'"],
];

for (const name of manifestNames) {
  const values = ["--values", valuesPath(name)];
  await run(helm, ["lint", "--strict", "--quiet", chart, ...values]);
  const rendered = await template(values);
  writeFileSync(manifestPath(name), `${digestLine(name)}\n${withoutTrailingSpaces(rendered)}`);
  console.log(`${name}.yaml: ${rendered.split("\nkind: ").length - 1} manifests`);
}

for (const [setting, said] of mistakes) {
  const told = await template(["--set", setting]).then(
    () => "nothing",
    ({ stderr }: { readonly stderr: string }) => stderr,
  );
  const isRight = told.includes(said);
  console.log(`${isRight ? "ok  " : "FAIL"} ${setting}: ${isRight ? said : told}`);
  process.exitCode ||= isRight ? 0 : 1;
}

async function template(values: readonly string[]): Promise<string> {
  const args = ["template", "servehttp", chart, "--namespace", "servehttp", ...values];
  return (await run(helm, args)).stdout;
}

function withoutTrailingSpaces(text: string): string {
  return text.replaceAll(/[ \t]+$/gm, "").replace(/\n+$/, "\n");
}
