import { ask, tellFailure } from "./ask.js";
import { byId } from "./element.js";

/** An answer that a Hono application streams, shown as it comes. */
export function showTale() {
  let reading;
  byId("tale-toggle").addEventListener("click", () => {
    if (reading === undefined) {
      reading = new AbortController();
      void tellFailure("tale-status", read(reading.signal)).then(() => {
        reading = undefined;
        byId("tale-toggle").textContent = "Tell me";
      });
      byId("tale-toggle").textContent = "Enough";
    } else {
      reading.abort();
    }
  });
}

async function read(signal) {
  const place = byId("tale");
  const before = await counts();
  const startedMs = performance.now();
  let pieces = 0;
  place.textContent = "";
  try {
    const response = await fetch("/plugins/hono/tale", { signal });
    if (!response.ok) {
      throw new Error(`the host answers ${response.status} for the plugin`);
    }
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      pieces++;
      place.append(piece.value);
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      byId("tale-status").textContent = `${pieces} pieces in ${seconds} s`;
    }
  } catch (thrown) {
    if (thrown.name !== "AbortError") {
      throw thrown;
    }
  }
  const after = await countsOtherThan(before);
  byId("tale-status").textContent =
    `${pieces} pieces; the plugin says: told to the end ${times(after.told)}, left early ${times(after.leftEarly)}`;
}

async function counts() {
  return ask("/plugins/hono/told");
}

/** The plugin learns of an end in its own time: asks until it has, for two seconds at most. */
async function countsOtherThan(before) {
  let latest = await counts();
  for (let attempt = 0; attempt < 20; attempt++) {
    if (latest.told !== before.told || latest.leftEarly !== before.leftEarly) {
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
    latest = await counts();
  }
  return latest;
}

function times(count) {
  return count === 1 ? "once" : `${count} times`;
}
