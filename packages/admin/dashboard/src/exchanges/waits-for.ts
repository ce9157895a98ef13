import type { OpenExchange } from "@servehttp/admin";

const waits: Readonly<Record<string, string>> = {
  "client-to-send": "the client to send",
  "client-to-read": "the client to read",
  "plugin-to-read": "the plugin to read",
  "plugin-to-write": "the plugin to write",
};

/** Whom a request waits for, in words. */
export function waitsFor(wait: string | null): string {
  return wait === null ? "nobody" : (waits[wait] ?? wait);
}

/** How far a request is, in words. */
export function standsAt({ state, status }: OpenExchange): string {
  switch (state) {
    case "unanswered":
      return "no answer yet";
    case "headed":
      return `answers ${status}`;
    case "responding":
      return `answering ${status}`;
    case "tunnel":
      return "tunnel";
    default:
      return state;
  }
}
