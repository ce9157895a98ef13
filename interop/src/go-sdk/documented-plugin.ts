import { mkdir, readFile, writeFile } from "node:fs/promises";
import { repositoryRoot } from "../repository-root.js";
import { toolOutput } from "../tool-output.js";

/** Builds the program of docs/go.md in a directory, with the commands of that page. Gives its path. */
export async function buildDocumentedPlugin(directory: string): Promise<string> {
  const page = await readFile(`${repositoryRoot}docs/go.md`, "utf8");
  const [, program] = /^```go\n(.*?)^```/ms.exec(page) ?? [];
  const [, commands] = /^ {4}(go mod init.*?)\n\n/ms.exec(page) ?? [];
  if (program === undefined || commands === undefined) {
    throw new Error("docs/go.md has no program, or no commands to build it");
  }
  const cwd = `${directory}/notes`;
  await mkdir(cwd);
  await writeFile(`${cwd}/main.go`, program);
  const script = commands.replaceAll("../servehttp/", repositoryRoot);
  await toolOutput("bash", ["-ec", script], { cwd, timeoutMs: 240_000 });
  return `${cwd}/notes`;
}
