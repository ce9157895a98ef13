// `npm start`: serves the demo until SIGINT or SIGTERM, then drains it. A second signal doesn't
// wait.
import { parseDemoArguments, usage } from "./demo-arguments.js";
import { startDemo } from "./demo-server.js";

try {
  const demoArguments = parseDemoArguments(process.argv.slice(2), process.env);
  if (demoArguments === "help") {
    console.log(usage);
  } else {
    const demo = await startDemo(demoArguments);
    console.log(`servehttp demo: ${demo.url}`);
    await stopSignal();
    await demo[Symbol.asyncDispose]();
  }
} catch (thrown) {
  console.error(`servehttp demo: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  process.exitCode = 1;
}

/**
 * Resolves at the first signal to stop. After it signals have their default effect again: the
 * second one ends the process.
 */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
      resolve();
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
  });
}
