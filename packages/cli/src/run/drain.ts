import type { PluginHost } from "@servehttp/host-bridge";
import type { CommandContext } from "../context/command-context.js";
import { countdownMs } from "../limits.js";
import type { Listeners } from "../listen/listeners.js";
import { inFlightOf } from "./in-flight-of.js";
import type { Workers } from "./running-host.js";

/** What is to be ended. */
export interface Drainable {
  readonly host: PluginHost;
  readonly listeners: Listeners;
  readonly workers: Pick<Workers, "drain"> | undefined;
  /** The longest that a plugin's requests may take. */
  readonly drainMs: number;
}

/**
 * Ends a host: no new connections, what runs may end within the plugins' `drainMs`, and the rest is
 * broken then, or at once when `now` aborts. A terminal shows meanwhile how long that may take.
 * Resolves with how many requests were in flight when `now` aborted.
 */
export async function drain(
  { host, listeners, workers, drainMs }: Drainable,
  now: AbortSignal,
  context: CommandContext,
): Promise<number> {
  let broken = now.aborted ? inFlightOf(host) : 0;
  listeners.stopAccepting();
  const stopNow = () => {
    broken = inFlightOf(host);
    void host.stop({ drainMs: 0 });
  };
  now.addEventListener("abort", stopNow, { once: true });
  const endCountdown = countDown(host, drainMs, context);
  try {
    // What the host itself knows of its workers is some time old.
    const brokenByWorkers = await workers?.drain(now);
    await host.stop(now.aborted ? { drainMs: 0 } : {});
    await listeners.close();
    return brokenByWorkers ?? broken;
  } finally {
    endCountdown();
    now.removeEventListener("abort", stopNow);
  }
}

/** Says every second what is waited for, over the line before. */
function countDown(host: PluginHost, drainMs: number, { stderr }: CommandContext): () => void {
  const beganMs = performance.now();
  let hasSaid = false;
  const say = () => {
    const inFlight = inFlightOf(host);
    if (inFlight > 0) {
      hasSaid = true;
      const leftMs = Math.max(0, drainMs - (performance.now() - beganMs));
      stderr.write(`\r${countdownText(inFlight, Math.ceil(leftMs / 1_000))}\u001B[K`);
    }
  };
  if (stderr.isTTY !== true) {
    return () => undefined;
  }
  say();
  const timer = setInterval(say, countdownMs);
  return () => {
    clearInterval(timer);
    if (hasSaid) {
      stderr.write("\n");
    }
  };
}

function countdownText(inFlight: number, seconds: number): string {
  const requests = inFlight === 1 ? "1 request" : `${inFlight} requests`;
  return `draining: ${requests} in flight, ${seconds} s at the most; Ctrl-C again stops now`;
}
