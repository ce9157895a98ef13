import type { ExchangePage } from "@servehttp/admin";
import { useEffect, useState } from "preact/hooks";
import { type AdminApi, ApiError, type ExchangeQuery } from "../api/admin-api.js";
import { pause } from "../watch/retry-delay.js";

/** Between two looks at the open exchanges, in milliseconds. */
const intervalMs = 1_500;

/** What is known of the open exchanges. */
export interface Polled {
  readonly page: ExchangePage | undefined;
  /** Why the last look failed. */
  readonly trouble: string | undefined;
}

/** Looks at the open exchanges again and again, but not while nobody sees the page, or it is held. */
export function usePolledExchanges(
  api: AdminApi,
  { plugin, waitsFor, match, after, limit }: ExchangeQuery,
  isHeld: boolean,
): Polled {
  const [polled, setPolled] = useState<Polled>({ page: undefined, trouble: undefined });
  useEffect(() => {
    if (isHeld) {
      return undefined;
    }
    const ended = new AbortController();
    const { signal } = ended;
    const query = { plugin, waitsFor, match, after, limit };
    const look = async () => {
      while (!signal.aborted) {
        if (!document.hidden) {
          try {
            const page = await api.exchanges(query, signal);
            setPolled({ page, trouble: undefined });
          } catch (error) {
            const trouble = error instanceof ApiError ? error.message : undefined;
            setPolled(({ page }) => ({ page, trouble }));
          }
        }
        await pause(intervalMs, signal);
      }
    };
    void look();
    return () => ended.abort();
  }, [api, plugin, waitsFor, match, after, limit, isHeld]);
  return polled;
}
