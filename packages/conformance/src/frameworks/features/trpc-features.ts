import {
  createTRPCClient,
  createWSClient,
  httpBatchLink,
  httpBatchStreamLink,
  httpSubscriptionLink,
  TRPCClientError,
  wsLink,
} from "@trpc/client";
import { EventSource } from "eventsource";
import { expect } from "vitest";
import type { TrpcRouter } from "../apps/trpc-app.js";
import type { FrameworkFeature } from "../framework-feature.js";

/** tRPC 11, asked by its own client. */
export const trpcFeatures: readonly FrameworkFeature[] = [
  {
    feature: "queries and mutations, in batches, with errors of validation",
    by: ["@trpc/server", "@trpc/client"],
    works: "yes",
    how: "`createHTTPHandler` as it is; the client's `url` is `/plugins/{id}`.",
    async check(app) {
      const client = createTRPCClient<TrpcRouter>({ links: [httpBatchLink({ url: app.url })] });
      const all = Promise.all([client.double.query(2), client.double.query(4)]);
      expect(await all).toEqual([4, 8]);
      expect(await client.add.mutate({ text: "milk" })).toBe("added milk");
      const refused = client.add.mutate({ text: "more than ten characters" });
      await expect(refused).rejects.toBeInstanceOf(TRPCClientError);
    },
  },
  {
    feature: "answers of a batch as they come, async generators",
    by: ["@trpc/server", "@trpc/client"],
    works: "yes",
    how: "`httpBatchStreamLink`: each answer goes out at once.",
    async check(app) {
      const links = [httpBatchStreamLink({ url: app.url })];
      const client = createTRPCClient<TrpcRouter>({ links });
      const late = client.late.query();
      // In the same batch as the other, which can't end before this one is there.
      expect(await client.double.query(2)).toBe(4);
      await client.release.mutate();
      expect(await late).toBe("late");
      const counted: number[] = [];
      for await (const number of await client.counting.query(3)) {
        counted.push(number);
      }
      expect(counted).toEqual([1, 2, 3]);
    },
  },
  {
    feature: "subscriptions over server-sent events",
    by: ["@trpc/server", "@trpc/client"],
    works: "yes",
    how: "`httpSubscriptionLink`.",
    async check(app) {
      const links = [httpSubscriptionLink({ url: app.url, EventSource })];
      expect(await ticksOf(createTRPCClient<TrpcRouter>({ links }))).toEqual([1, 2, 3]);
    },
  },
  {
    feature: "everything over a WebSocket",
    by: ["@trpc/server", "@trpc/client", "ws"],
    works: "yes",
    how: "`applyWSSHandler` of a `WebSocketServer` with `noServer: true`, and `wsLink`.",
    async check(app) {
      const socket = createWSClient({ url: `${app.url.replace("http", "ws")}/socket` });
      const client = createTRPCClient<TrpcRouter>({ links: [wsLink({ client: socket })] });
      expect(await client.double.query(21)).toBe(42);
      expect(await ticksOf(client)).toEqual([1, 2, 3]);
      await socket.close();
    },
  },
];

function ticksOf(client: ReturnType<typeof createTRPCClient<TrpcRouter>>): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const seen: number[] = [];
    client.ticks.subscribe(3, {
      onData: (tick) => void seen.push(tick),
      onComplete: () => resolve(seen),
      onError: reject,
    });
  });
}
