#!/usr/bin/env node
import { runCommandLine } from "./command-line.js";

process.exitCode = await runCommandLine(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
});
