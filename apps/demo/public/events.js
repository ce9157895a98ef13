import { ask, tellFailure } from "./ask.js";
import { byId } from "./element.js";
import { LoadChart } from "./load-chart.js";

/**
 * Beside the chart's own: a browser opens six connections to an HTTP/1.1 server, and the rest of
 * the page needs some.
 */
const extraSubscribersMax = 2;

const retryMs = 1_000;

/** Draws the plugin's event stream, and lets it be stopped, started and subscribed to again. */
export function showEvents() {
  const chart = new LoadChart(byId("chart"));
  const toggle = byId("events-toggle");
  const more = byId("events-more");
  let sources = [];

  /** Opens one more stream. The first of them draws, so that each event is drawn once. */
  const subscribe = () => {
    const source = new EventSource("/plugins/events/");
    source.addEventListener("message", ({ data }) => {
      if (source === sources[0]) {
        const load = JSON.parse(data);
        chart.add(load);
        tell(load.subscribers, true);
      }
    });
    source.addEventListener("error", () => {
      // A broken stream is asked for again by the browser; an answer such as 503 is not.
      if (source.readyState === EventSource.CLOSED) {
        setTimeout(() => {
          if (sources.includes(source)) {
            sources = sources.filter((one) => one !== source);
            subscribe();
          }
        }, retryMs);
      }
      if (source === sources[0]) {
        byId("subscribers").textContent = "the stream broke; trying again …";
      }
    });
    sources.push(source);
    label();
  };

  const stop = () => {
    for (const source of sources) {
      source.close();
    }
    sources = [];
    label();
  };

  /**
   * The plugin notices in its own time: asks until its timer is stopped, for two seconds at most.
   */
  const count = async () => {
    for (let attempt = 0; attempt < 20 && sources.length === 0; attempt++) {
      const { subscribers, timerRuns } = await ask("/plugins/events/subscribers");
      if (sources.length > 0) {
        return;
      }
      tell(subscribers, timerRuns);
      if (!timerRuns) {
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };

  const label = () => {
    toggle.textContent = sources.length === 0 ? "Start" : "Stop";
    more.disabled = sources.length === 0 || sources.length > extraSubscribersMax;
  };

  toggle.addEventListener("click", () => {
    if (sources.length === 0) {
      subscribe();
    } else {
      stop();
      void tellFailure("subscribers", count());
    }
  });
  more.addEventListener("click", subscribe);
  subscribe();
}

function tell(subscribers, timerRuns) {
  const count = subscribers === 1 ? "1 subscriber" : `${subscribers} subscribers`;
  byId("subscribers").textContent =
    `the plugin counts ${count}${timerRuns ? "" : ", its timer is stopped"}`;
}
