import { useEffect, useRef, useState } from "preact/hooks";
import { formatClock } from "../model/format.js";
import type { WatchedHost } from "../watch/watched-host.js";

/** Says that the connection is lost, and that it is there again. */
export function ConnectionBar({ host }: { readonly host: WatchedHost }) {
  const connection = host.connection.value;
  const wasLost = useRef(false);
  const [isBack, setBack] = useState(false);

  useEffect(() => {
    if (connection.kind === "lost") {
      wasLost.current = true;
      setBack(false);
    } else if (connection.kind === "open" && wasLost.current) {
      wasLost.current = false;
      setBack(true);
      const timer = setTimeout(() => setBack(false), 5_000);
      return () => clearTimeout(timer);
    }
    return undefined;
  }, [connection.kind]);

  const now = host.nowUnixMs.value;
  return (
    <div class="connection" role="alert">
      {connection.kind === "lost" && (
        <div class="bar bad">
          <p>
            <strong>The connection to the host is lost.</strong> {connection.why}{" "}
            {now > 0 && `What you see is of ${formatClock(now)}. `}
            The page tries again by itself.
          </p>
          <button type="button" onClick={() => host.retry()}>
            Try now
          </button>
        </div>
      )}
      {isBack && (
        <div class="bar live">
          <p>Connected again.</p>
        </div>
      )}
    </div>
  );
}
