import { failed } from "../context/command-error.js";
import type { ListenHandle } from "../listen/listener.js";
import type { Predecessor } from "../run/running-host.js";

/** The process whose place this one takes; undefined where it takes nobody's. */
export function predecessorOf(
  environment: Readonly<Record<string, string | undefined>>,
): Predecessor | undefined {
  if (environment["SERVEHTTP_UPGRADE"] === undefined || process.send === undefined) {
    return undefined;
  }
  return {
    handles: () =>
      new Promise((resolve, reject) => {
        const handles = new Map<string, ListenHandle>();
        process.once("disconnect", () => reject(failed("the host that runs is gone")));
        process.on("message", (message: "listeners end" | { readonly address: string }, handle) => {
          if (message === "listeners end") {
            resolve(handles);
          } else {
            handles.set(message.address, handle as unknown as ListenHandle);
          }
        });
        process.send?.("listeners");
      }),
    leave: () =>
      new Promise((resolve) => {
        process.send?.("ready", () => {
          process.disconnect();
          resolve();
        });
      }),
  };
}
