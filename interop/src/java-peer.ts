import { repositoryRoot } from "./repository-root.js";
import { toolOutput } from "./tool-output.js";

const source = `${repositoryRoot}interop/java`;

/**
 * Builds the smallest plugin on grpc-java, contract and all, and gives the command that runs it. What was
 * built stays in interop/java/target. On Debian: apt install maven.
 */
export async function buildJavaPlugin(): Promise<string> {
  await toolOutput("mvn", ["-q", "-B", "package"], { cwd: source, timeoutMs: 400_000 });
  const classes = `${source}/target/smallest-plugin.jar:${source}/target/lib/*`;
  // A JVM takes what it may have: without a bound nobody sees whether a plugin needs it.
  return `java -Xmx32m -XX:MaxDirectMemorySize=24m -cp "${classes}" SmallestPlugin`;
}
