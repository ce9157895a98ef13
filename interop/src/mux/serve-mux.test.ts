import { setImmediate as nextTurn } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { PluginService } from "@servehttp/contract/services";
import { expect, it, vi } from "vitest";
import { exampleHandler } from "../plugins/example-handler.js";
import { serveMux } from "./serve-mux.js";

it("ends quietly when the stack stops asking before the messages fail", async () => {
  const unhandled = vi.fn<() => void>();
  process.on("unhandledRejection", unhandled);
  try {
    const connection = Promise.withResolvers<never>();
    const responses = serveMux(batches(connection.promise), exampleHandler);
    await responses.next(); // The hello.
    await responses.next(); // The head of the answer.
    await responses.return(undefined);
    connection.reject(new Error("premature close"));
    await nextTurn();
    expect(unhandled).not.toHaveBeenCalled();
  } finally {
    process.off("unhandledRejection", unhandled);
  }
});

async function* batches(connection: Promise<never>) {
  const init = { method: "POST", url: "/echo" };
  yield create(PluginService.method.serveHTTPMux.input, {
    frames: [{ exchangeId: 1n, parts: { init } }],
  });
  await connection;
}
