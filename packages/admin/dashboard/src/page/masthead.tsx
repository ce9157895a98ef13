import { overviewPath } from "../route/route.js";
import type { WatchedHost } from "../watch/watched-host.js";

const words = {
  connecting: { tone: "wait", text: "Connecting" },
  open: { tone: "live", text: "Live" },
  lost: { tone: "bad", text: "Not connected" },
  locked: { tone: "still", text: "Locked" },
} as const;

/** The top of the page: whose it is, and whether what it shows is true at this moment. */
export function Masthead(props: {
  readonly host: WatchedHost;
  readonly hasToken: boolean;
  readonly onLogout: () => void;
}) {
  const { tone, text } = words[props.host.connection.value.kind];
  return (
    <header class="masthead">
      <a class="wordmark" href={overviewPath} aria-label="servehttp: all plugins">
        <svg viewBox="0 0 28 16" width="28" height="16" aria-hidden="true">
          <path
            d="M1 10h6l3-8 5 12 3-7h3"
            fill="none"
            stroke="currentColor"
            stroke-width="2"
            stroke-linecap="round"
            stroke-linejoin="round"
          />
          <circle cx="24" cy="7" r="2.5" fill="currentColor" />
        </svg>
        servehttp
      </a>
      <span class={`live-mark ${tone}`}>
        <span class="dot" aria-hidden="true" />
        {text}
      </span>
      {props.hasToken && (
        <button type="button" class="quiet" onClick={props.onLogout}>
          Log out
        </button>
      )}
    </header>
  );
}
