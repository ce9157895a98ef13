import { signal } from "@preact/signals";
import { ApiError } from "../api/admin-api.js";

/** What the last button came to. */
interface Notice {
  readonly tone: "live" | "wait" | "bad";
  readonly text: string;
  /** What a plugin said last, where it did not start. */
  readonly stderr: readonly string[];
}

const notice = signal<Notice | undefined>(undefined);

/** Tells how something goes while it is done and when it is. What fails is told, too, and ends here. */
export async function tell(
  doing: string,
  done: string,
  work: () => Promise<unknown>,
): Promise<void> {
  notice.value = { tone: "wait", text: doing, stderr: [] };
  try {
    await work();
    notice.value = { tone: "live", text: done, stderr: [] };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const stderr = error instanceof ApiError ? error.stderr : [];
    notice.value = { tone: "bad", text, stderr };
  }
}

/** The place of the notice. It is always there, so that screen readers hear what comes into it. */
export function Notices() {
  const told = notice.value;
  return (
    <div class="notices" role="status">
      {told !== undefined && (
        <div class={`notice ${told.tone}`}>
          <div>
            <p>{told.text}</p>
            {told.stderr.length > 0 && <pre class="words">{told.stderr.join("\n")}</pre>}
          </div>
          <button type="button" class="quiet" onClick={() => (notice.value = undefined)}>
            Dismiss
          </button>
        </div>
      )}
    </div>
  );
}
