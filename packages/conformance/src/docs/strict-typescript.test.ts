import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { programsOfPage } from "../hosts/documented-programs.js";
import { ProgramDirectory } from "../hosts/program-directory.js";
import { pageAt, userPages } from "./pages.js";

/** Which compiler: the repository's own, or the one that this variable names. */
const tsc =
  process.env["SERVEHTTP_TSC"] ??
  fileURLToPath(new URL("../../../../node_modules/typescript/bin/tsc", import.meta.url));

/** As strict as a user's project may be. The types of other packages are not looked at. */
const compilerOptions = {
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  module: "nodenext",
  target: "es2024",
  types: ["node"],
  skipLibCheck: true,
  noEmit: true,
};

it("compiles every program of the pages in strict TypeScript", async () => {
  const files: Record<string, string> = {
    "tsconfig.json": JSON.stringify({ compilerOptions, include: ["*.ts"] }),
  };
  for (const page of userPages()) {
    for (const [at, { heading, code }] of programsOfPage(pageAt(page)).entries()) {
      const name = `${page}-${heading}`.replaceAll(/[^\w]+/g, "-");
      files[`${name}-${at}.ts`] = code;
    }
  }
  expect(Object.keys(files).length).toBeGreaterThan(30);
  await using directory = await ProgramDirectory.create(files);
  expect(await outputOf(tsc, ["--project", directory.path])).toBe("");
}, 120_000);

function outputOf(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) => {
      resolve(error === null ? stdout : `${stdout}${stderr}${error.message}`);
    });
  });
}
