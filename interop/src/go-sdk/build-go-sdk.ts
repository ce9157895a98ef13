import { repositoryRoot } from "../repository-root.js";
import { toolOutput } from "../tool-output.js";

/** The applications of sdks/go/compat, each of which a host can start as a plugin. */
export type GoApp = "everything" | "chi" | "echo" | "gin" | "proxy";

/** Whether Echo and Gin are compared, too: to build them takes most of a minute. */
export const withFrameworks = process.env["SERVEHTTP_GO_FRAMEWORKS"] === "1";

/** Why there is no Go on this machine. Undefined where there is. */
export async function reasonWithoutGoSdk(): Promise<string | undefined> {
  try {
    await toolOutput("go", ["version"]);
    return undefined;
  } catch (error) {
    return String(error).split("\n", 1)[0];
  }
}

/** Builds the applications into a directory, and gives the path of the program. */
export async function buildGoSdk(directory: string): Promise<string> {
  const program = `${directory}/go-sdk-apps`;
  const tags = withFrameworks ? ["-tags", "frameworks,nomsgpack"] : [];
  const cwd = `${repositoryRoot}sdks/go/compat`;
  await toolOutput("go", ["build", ...tags, "-o", program, "."], { cwd, timeoutMs: 400_000 });
  return program;
}
