import { Session } from "node:inspector/promises";
import { setTimeout as delay } from "node:timers/promises";

/**
 * Samples what this process does for a time, and resolves with the profile, as Chrome DevTools read
 * it. Nothing listens for a debugger meanwhile: the inspector is asked inside the process.
 *
 * @throws the signal's reason where it aborts first
 */
export async function cpuProfile(durationMs: number, signal: AbortSignal): Promise<Uint8Array> {
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.start");
    await delay(durationMs, undefined, { signal });
    const { profile } = await session.post("Profiler.stop");
    return Buffer.from(JSON.stringify(profile));
  } finally {
    // Ends a profile that runs.
    session.disconnect();
  }
}
