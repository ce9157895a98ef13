import { createServer, type Server } from "node:http";
import { initTRPC } from "@trpc/server";
import { createHTTPHandler } from "@trpc/server/adapters/standalone";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import { WebSocketServer } from "ws";
import { z } from "zod";
import { Occasion } from "./occasion.js";

const { router, procedure } = initTRPC.create();

const released = new Occasion();

const trpcRouter = router({
  double: procedure.input(z.number()).query(({ input }) => input * 2),
  /** Answers with each number as it comes. */
  counting: procedure.input(z.number()).query(async function* ({ input }) {
    for (let number = 1; number <= input; number++) {
      yield number;
    }
  }),
  /** Answers once `release` is called. */
  late: procedure.query(async () => {
    await released.next();
    return "late";
  }),
  release: procedure.mutation(() => released.happens()),
  add: procedure
    .input(z.object({ text: z.string().max(10) }))
    .mutation(({ input }) => `added ${input.text}`),
  ticks: procedure.input(z.number()).subscription(async function* ({ input, signal }) {
    for (let number = 1; number <= input && signal?.aborted !== true; number++) {
      yield number;
    }
  }),
});

/** What a client knows of the router. */
export type TrpcRouter = typeof trpcRouter;

/** tRPC over HTTP, and over WebSockets at `/socket`, on a server that never listens. */
export function trpcApp(): Server {
  const server = createServer(createHTTPHandler({ router: trpcRouter }));
  const sockets = new WebSocketServer({ noServer: true });
  applyWSSHandler({ wss: sockets, router: trpcRouter });
  server.on("upgrade", (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (opened) => {
      sockets.emit("connection", opened, request);
    });
  });
  return server;
}
