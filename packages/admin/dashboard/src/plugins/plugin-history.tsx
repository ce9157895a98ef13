import type { StateChange } from "@servehttp/admin";
import { formatAge, formatClock } from "../model/format.js";
import { lookOf } from "../model/plugin-state.js";
import { ToneIcon } from "../parts/tone-icon.js";

/** Changes that are shown at once. */
const shownMax = 30;

/** What happened to a plugin, the newest first, with its last words where it failed. */
export function PluginHistory(props: {
  readonly changes: readonly StateChange[];
  readonly nowUnixMs: number;
}) {
  const { changes, nowUnixMs } = props;
  const shown = changes.slice(-shownMax).toReversed();
  return (
    <section class="history" aria-labelledby="history-title">
      <h2 id="history-title">What happened</h2>
      {shown.length === 0 && <p class="empty">Nothing since the host has been watched.</p>}
      <div class="entries" role="region" aria-label="Changes of its state" tabIndex={0}>
        <ol>
          {shown.map((change, index) => (
            <Entry
              key={change.at}
              change={change}
              untilUnixMs={index === 0 ? nowUnixMs : Date.parse(shown[index - 1]?.at ?? change.at)}
            />
          ))}
        </ol>
      </div>
      {changes.length > shown.length && (
        <p class="soft">{changes.length - shown.length} earlier changes are left out.</p>
      )}
    </section>
  );
}

function Entry(props: { readonly change: StateChange; readonly untilUnixMs: number }) {
  const { at, state, pid, reason, failure } = props.change;
  const { tone, word } = lookOf(state);
  const atUnixMs = Date.parse(at);
  return (
    <li class={tone}>
      <time dateTime={at}>{formatClock(atUnixMs)}</time>
      <div>
        <p>
          <span class={`state ${tone}`}>
            <ToneIcon tone={tone} />
            {word}
          </span>
          <span class="soft">
            {formatAge(props.untilUnixMs - atUnixMs)}
            {pid !== null && `, process ${pid}`}
          </span>
        </p>
        {reason !== null && <p class="reason">{reason}</p>}
        {failure !== null && failure.stderr.length > 0 && (
          <figure>
            <figcaption class="soft">Its last words on standard error</figcaption>
            <pre class="words">{failure.stderr.join("\n")}</pre>
          </figure>
        )}
      </div>
    </li>
  );
}
