import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import type { HttpClient, TestExchange } from "servehttp-conformance/testing";

/** What came was not what was due. */
class WrongAnswer extends Error {}

/** What became of clients that stay connected for as long as they are let, and connect again at once. */
export class HeldTally {
  /** How often they connected. */
  opened = 0;
  /** Events or messages that came, each of them the right one. */
  received = 0;
  /** How their connections ended, by what a client sees: a close code, or words. */
  readonly endings = new Map<string, number>();
  /** Why they were not let in, each time. */
  readonly refusals: string[] = [];
  /** What must never happen: a wrong event or message, or a clean end of what goes on for ever. */
  readonly wrong: string[] = [];

  ended(how: string): void {
    this.endings.set(how, (this.endings.get(how) ?? 0) + 1);
  }

  failed(what: string, error: unknown): void {
    const list = error instanceof WrongAnswer ? this.wrong : this.refusals;
    list.push(`${what}: ${(error as Error).message}`);
  }

  get endingsText(): string {
    return [...this.endings].map(([how, count]) => `${count} ${how}`).join(", ") || "none";
  }
}

const againAfterMs = 100;
const messageEveryMs = 100;

/** Subscribes to the events of a plugin as `EventSource` does, again and again, until the signal aborts. */
export async function holdEventStream(
  client: HttpClient,
  plugin: string,
  tally: HeldTally,
  over: AbortSignal,
): Promise<void> {
  while (!over.aborted) {
    const open = client.open({ path: `/plugins/${plugin}/events` });
    const leave = () => open.leave();
    over.addEventListener("abort", leave, { once: true });
    try {
      const { status } = await open.head;
      if (status !== 200) {
        throw new Error(`status ${status}`);
      }
      tally.opened += 1;
      await readEvents(open, tally);
    } catch (error) {
      if (!over.aborted) {
        tally.failed("an event stream", error);
        await delay(againAfterMs);
      }
    } finally {
      over.removeEventListener("abort", leave);
    }
  }
}

/** Returns once the transfer is broken. Throws for a wrong event, and for a clean end. */
async function readEvents(open: TestExchange, tally: HeldTally): Promise<void> {
  let text = "";
  let next = 1;
  for (;;) {
    const chunk = await open.read().catch(() => "broken" as const);
    if (chunk === "broken") {
      tally.ended("broken off");
      return;
    }
    if (chunk === undefined) {
      throw new WrongAnswer("it ended cleanly");
    }
    const events = (text + Buffer.from(chunk).toString()).split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      if (event !== `data: ${next}`) {
        throw new WrongAnswer(`in place of event ${next} came ${JSON.stringify(event)}`);
      }
      next += 1;
      tally.received += 1;
    }
  }
}

/** Keeps a WebSocket that echoes ten messages a second, again and again, until the signal aborts. */
export async function holdWebSocket(
  port: number,
  plugin: string,
  tally: HeldTally,
  over: AbortSignal,
): Promise<void> {
  while (!over.aborted) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/plugins/${plugin}/socket`);
    try {
      await once(socket, "open");
      tally.opened += 1;
      const code = await exchangeMessages(socket, tally, over);
      if (code !== undefined) {
        tally.ended(`close code ${code}`);
      }
    } catch (error) {
      if (!over.aborted) {
        tally.failed("a WebSocket", error);
        await delay(againAfterMs);
      }
    } finally {
      socket.on("error", () => undefined);
      socket.terminate();
    }
  }
}

/** Resolves with the close code, or with nothing when the signal aborts. Throws for a wrong message. */
async function exchangeMessages(
  socket: WebSocket,
  tally: HeldTally,
  over: AbortSignal,
): Promise<number | undefined> {
  const closing = new AbortController();
  const either = AbortSignal.any([closing.signal, over]);
  let code: number | undefined;
  let received = 0;
  let wrong: WrongAnswer | undefined;
  socket.on("message", (message: Buffer) => {
    received += 1;
    tally.received += 1;
    if (message.toString() !== `message ${received}`) {
      wrong ??= new WrongAnswer(`in place of message ${received} came ${message.toString()}`);
    }
  });
  socket.on("close", (closedWith) => {
    code = closedWith;
    closing.abort();
  });
  for (let sent = 1; !either.aborted; sent += 1) {
    socket.send(`message ${sent}`);
    await delay(messageEveryMs, undefined, { signal: either }).catch(() => undefined);
  }
  if (wrong !== undefined) {
    throw wrong;
  }
  return code;
}
