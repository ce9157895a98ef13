/**
 * Loaded before the program of a process that is to be profiled (`node --import`): SIGUSR2 starts
 * the profiler, a second one stops it and writes PID.cpuprofile into the directory
 * SERVEHTTP_BENCH_PROFILES.
 */
import { writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { join } from "node:path";

const session = new Session();
let recording = false;

async function start(): Promise<void> {
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: samplingIntervalUs });
  await session.post("Profiler.start");
}

async function stop(): Promise<void> {
  const { profile } = await session.post("Profiler.stop");
  const directory = process.env["SERVEHTTP_BENCH_PROFILES"] ?? ".";
  writeFileSync(join(directory, `${process.pid}.cpuprofile`), JSON.stringify(profile));
  session.disconnect();
}

const samplingIntervalUs = 500;

process.on("SIGUSR2", () => {
  const step = recording ? stop() : start();
  recording = true;
  step.catch((error: unknown) => console.error(error));
});
