#!/usr/bin/env node
import { enableCompileCache } from "node:module";

enableCompileCache();
// Not at the top, so that the cache is there first.
const { runCommandLine } = await import("./command-line.js");
const { processContext } = await import("./context/command-context.js");

process.exitCode = await runCommandLine(process.argv.slice(2), processContext());
