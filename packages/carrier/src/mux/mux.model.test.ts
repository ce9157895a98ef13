import {
  type ExchangeChannel,
  plainEnd,
  type RequestParts,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { randomRuns, socketPair, turns, until } from "@servehttp/testkit";
import { HostMux } from "./host-mux.js";
import { PluginMux } from "./plugin-mux.js";
import { Recorder } from "../test-rig/recorder.js";
import { DedicatedConnection } from "../http2/dedicated-connection.js";
import { plainInit } from "../test-rig/wire.js";

/*
 * Both ends of a mux RPC, over a wire in memory that cuts what it carries anywhere. Many exchanges
 * run at once. Each has a plan: what is sent in each direction, who takes its time, who gives up
 * and when. When all are over, this holds:
 *
 * - What arrives is the beginning of what was sent, byte for byte, and all of it where nobody gave
 *   up.
 * - Every exchange ends at both ends once: complete, or aborted with the reason of whoever gave up.
 * - No receiver is called against its rules, no sender is left waiting, no exchange is left in a
 *   map, and the RPC ends.
 *
 * `SERVEHTTP_FULL=20 npx vitest run packages/carrier/src/mux/mux.model.test.ts` tries 20,000 plans.
 */
const parameters = randomRuns(1_000);

const size = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 300 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 65_536 }) },
  { weight: 1, arbitrary: fc.constant(65_536) },
);

const giveUp = fc.option(fc.nat(8), { freq: 4, nil: undefined });

const plan = fc.record({
  request: fc.array(size, { maxLength: 10 }),
  response: fc.array(size, { maxLength: 10 }),
  /** The plugin answers before it has seen the end of the request. */
  answersEarly: fc.boolean(),
  awaitsRoom: fc.boolean(),
  hostTakesTime: fc.boolean(),
  pluginTakesTime: fc.boolean(),
  /** Before which of its sends it gives up. */
  hostGivesUp: giveUp,
  pluginGivesUp: giveUp,
  /** Turns before the exchange is opened, and between its sends. */
  delays: fc.array(fc.nat(3), { minLength: 1, maxLength: 5 }),
});

type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never;

test(
  "any exchanges at once, over any wire, end as they were meant to",
  { timeout: 60_000 + 10 * parameters.numRuns },
  async () => {
    const reached = { complete: 0, byHost: 0, byPlugin: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(plan, { minLength: 1, maxLength: 12 }),
        fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 90_000 })), {
          minLength: 1,
          maxLength: 20,
        }),
        async (plans, cuts) => {
          await run(plans, cuts, reached);
        },
      ),
      parameters,
    );
    // The plans do reach all there is to reach.
    expect(Math.min(reached.complete, reached.byHost, reached.byPlugin)).toBeGreaterThan(0);
  },
);

const grpcHead = { ":status": "200", "content-type": "application/grpc+proto" };

async function run(
  plans: readonly Plan[],
  cuts: readonly number[],
  reached: { complete: number; byHost: number; byPlugin: number },
): Promise<void> {
  const { host, plugin } = socketPair(cuts);
  const hostRpc = DedicatedConnection.open(host, { ":method": "POST", ":path": "/" });
  const pluginRpc = DedicatedConnection.accept(plugin, grpcHead);
  const hostMux = new HostMux(hostRpc);
  const plugins = new Map<number, Recorder<RequestParts>>();
  const playing: Promise<void>[] = [];
  const pluginMux = new PluginMux(
    pluginRpc,
    (channel) => {
      const request = new Recorder<RequestParts>();
      request.onParts = ({ init }) => {
        if (init !== undefined) {
          const index = Number(init.requestId);
          plugins.set(index, request);
          playing.push(playPlugin(plans[index] as Plan, index, channel, request));
        }
      };
      return request;
    },
    1_000,
  );
  const hosts = plans.map(() => new Recorder<ResponseParts>());
  for (const [index, one] of plans.entries()) {
    playing.push(playHost(one, index, hostMux, hosts[index] as Recorder<ResponseParts>));
  }
  await until(() => hostMux.exchangeCount === 0 && playing.length >= plans.length, "all over");
  await settled(playing);
  await until(() => pluginMux.exchangeCount === 0, "all over at the plugin");
  for (const recorder of [...hosts, ...plugins.values()]) {
    // What came before the end of its exchange may still wait to be taken.
    recorder.release();
  }
  await turns(2);
  for (const [index, one] of plans.entries()) {
    check(one, index, hosts[index] as Recorder<ResponseParts>, plugins.get(index), reached);
  }
  hostMux.close();
  await until(() => hostRpc.closed && pluginRpc.closed, "the end of the RPC");
  expect((await hostMux.lost).code).toBe("plugin-closing");
  host.destroy();
  plugin.destroy();
}

async function playHost(
  one: Plan,
  index: number,
  mux: HostMux,
  response: Recorder<ResponseParts>,
): Promise<void> {
  const wait = waiter(one);
  // All are opened before the run looks whether any is left.
  const channel = mux.openExchange(response);
  await wait();
  takeTime(one.hostTakesTime, response);
  const sends: RequestParts[] = [
    { init: { ...plainInit, requestId: String(index) } },
    ...one.request.map((bytes, at) => ({ chunk: octetsOf(index, at, bytes) })),
    { end: plainEnd },
  ];
  await sendAll(one, channel, sends, one.hostGivesUp, "client-disconnected", wait);
}

async function playPlugin(
  one: Plan,
  index: number,
  channel: ExchangeChannel<ResponseParts>,
  request: Recorder<RequestParts>,
): Promise<void> {
  const wait = waiter(one);
  takeTime(one.pluginTakesTime, request);
  if (!one.answersEarly) {
    await until(() => request.ended || request.aborted !== undefined, "the request's end");
  }
  await wait();
  const sends: ResponseParts[] = [
    { init: { status: 200, headers: ["x-index", String(index)] } },
    ...one.response.map((bytes, at) => ({ chunk: octetsOf(index, at, bytes) })),
    { end: plainEnd },
  ];
  await sendAll(one, channel, sends, one.pluginGivesUp, "handler-failed", wait);
}

async function sendAll<Parts>(
  one: Plan,
  channel: ExchangeChannel<Parts>,
  sends: readonly Parts[],
  givesUp: number | undefined,
  code: "client-disconnected" | "handler-failed",
  wait: () => Promise<void>,
): Promise<void> {
  for (const [at, parts] of sends.entries()) {
    if (at === givesUp) {
      channel.reset(new ServeHTTPError(code, "enough"));
      return;
    }
    const room = channel.send(parts);
    if (one.awaitsRoom && room !== undefined) {
      try {
        await room;
      } catch (error) {
        expect(error).toBeInstanceOf(ServeHTTPError);
        return;
      }
    }
    await wait();
  }
}

function check(
  one: Plan,
  index: number,
  response: Recorder<ResponseParts>,
  request: Recorder<RequestParts> | undefined,
  reached: { complete: number; byHost: number; byPlugin: number },
): void {
  const sentRequest = Buffer.concat(one.request.map((bytes, at) => octetsOf(index, at, bytes)));
  const sentResponse = Buffer.concat(one.response.map((bytes, at) => octetsOf(index, at, bytes)));
  const requestBody = request?.body ?? Buffer.alloc(0);
  expect([...response.faults, ...(request?.faults ?? [])]).toEqual([]);
  expect(requestBody.equals(sentRequest.subarray(0, requestBody.length))).toBe(true);
  expect(response.body.equals(sentResponse.subarray(0, response.bytes))).toBe(true);
  expect(response.ended && response.aborted !== undefined).toBe(false);
  if (response.ended) {
    reached.complete += 1;
    expect(response.bytes).toBe(sentResponse.length);
  } else if (response.aborted !== undefined) {
    reached.byPlugin += 1;
    expect([response.aborted.code, one.pluginGivesUp]).toEqual([
      "handler-failed",
      expect.any(Number),
    ]);
  } else {
    reached.byHost += 1;
    expect(one.hostGivesUp).toEqual(expect.any(Number));
  }
  if (request?.ended === true) {
    expect(requestBody.length).toBe(sentRequest.length);
  }
  if (request?.aborted !== undefined) {
    expect([request.aborted.code, one.hostGivesUp]).toEqual([
      "client-disconnected",
      expect.any(Number),
    ]);
  }
}

/** Takes each of the parts a turn later than it comes. */
function takeTime<Parts extends RequestParts | ResponseParts>(
  does: boolean,
  recorder: Recorder<Parts>,
): void {
  if (!does) {
    return;
  }
  recorder.hold();
  const takeLater = () => setImmediate(() => recorder.takeOne());
  const { onParts } = recorder;
  recorder.onParts = (parts) => {
    onParts?.(parts);
    takeLater();
  };
  takeLater();
}

/** Waits as long as the plan says, and each time as long as its next delay. */
function waiter(one: Plan): () => Promise<void> {
  let at = 0;
  return () => turns(one.delays[at++ % one.delays.length] ?? 0);
}

/** Settles when all have, those included that begin meanwhile. */
async function settled(playing: readonly Promise<void>[]): Promise<void> {
  for (let count = 0; count < playing.length;) {
    const now = playing.slice(count);
    count += now.length;
    await Promise.all(now);
  }
}

/** Bytes that tell their exchange and their place. */
function octetsOf(index: number, at: number, bytes: number): Buffer {
  return Buffer.alloc(bytes, Buffer.from([index, at, 0xff, index ^ at]));
}
