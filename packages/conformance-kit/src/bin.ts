#!/usr/bin/env node
import { constants } from "node:os";
import { runCommandLine } from "./command-line.js";
import { CommandProcess } from "./process/command-process.js";

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
    CommandProcess.killAll();
    process.exit(128 + constants.signals[signal]);
  });
}

process.exitCode = await runCommandLine(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
});
