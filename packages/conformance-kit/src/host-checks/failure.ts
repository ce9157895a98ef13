import { expectEqual, expectThat } from "../checks/expect.js";
import type { HostScene } from "../host/host-scene.js";
import { MuxServedExchange } from "../served/mux-served-exchange.js";
import type { ServedExchange } from "../served/served-exchange.js";
import { StreamServedExchange } from "../served/stream-served-exchange.js";
import { envelope } from "../wire/grpc-messages.js";
import type { Outcome, Step, Violation } from "../served/violation.js";
import { pluginSecret, violations } from "../served/violations.js";
import { head } from "./answers.js";
import type { HostCheck } from "./host-check.js";

/** What the client must see, in words and as `Asked.outcome` says it. */
const wanted: Readonly<Record<Outcome, { readonly text: string; readonly outcome: RegExp }>> = {
  clean: { text: "the client gets all of it", outcome: /^whole with status 200/ },
  status: { text: "the client gets a status of the host's", outcome: /^whole with status 50[023]/ },
  broken: { text: "the client's transfer breaks", outcome: /^broken/ },
  failed: {
    text: "the client never takes it for whole",
    outcome: /^(?:whole with status 50[023]|broken)/,
  },
  either: {
    text: "the client's exchange ends",
    outcome: /^(?:whole with status (?:200|50[023])|broken)/,
  },
};

/** Plugins that fail, that are lost, and that break the contract. */
export const failureChecks: readonly HostCheck[] = [
  {
    id: "F1.before",
    text: "A handler that fails before its head is a 500 without detail.",
    async run(scene) {
      const { asked, served } = await scene.exchange();
      served.fail(pluginSecret);
      const { status, headers, body } = await asked.whole();
      expectEqual(status, 500, "the status");
      expectNoSecret(JSON.stringify(headers) + Buffer.from(body).toString("latin1"));
      await scene.servesOn(scene.newClient());
    },
  },
  {
    id: "F1.after",
    text: "A handler that fails behind its head is a broken transfer: it never looks whole.",
    async run(scene) {
      const { asked, served } = await scene.exchange();
      await served.send({ init: head(), chunk: Buffer.from("half"), flush: true });
      expectEqual((await asked.readBytes(4)).toString(), "half", "what came before");
      served.fail(pluginSecret);
      expectEqual(await asked.outcome(), "broken behind status 200", "the outcome");
      await scene.servesOn(scene.newClient());
    },
  },
  {
    id: "F1.neighbours",
    text: "The neighbours of handlers that fail, and of broken orders, are unharmed.",
    async run(scene) {
      const neighbour = await scene.exchange({}, scene.newClient());
      await neighbour.served.send({ init: head(), flush: true });
      for (let round = 0; round < 10; round += 1) {
        const { asked, served } = await scene.exchange({}, scene.newClient());
        if (round % 2 === 0) {
          served.fail(pluginSecret);
        } else {
          perform(served, { do: "parts", parts: { chunk: Buffer.from("before the head") } });
        }
        await asked.outcome();
      }
      await neighbour.served.send({ chunk: Buffer.from("unharmed"), end: {} });
      const { body } = await neighbour.asked.whole();
      expectEqual(Buffer.from(body).toString(), "unharmed", "the neighbour's body");
    },
  },
  {
    id: "F2.lost",
    text: "When the connection is lost, every exchange on it is broken or a 502, and then all works again.",
    async run(scene) {
      const begun = await Promise.all(
        Array.from({ length: 6 }, () => scene.exchange({}, scene.newClient())),
      );
      const [first, ...rest] = begun;
      for (const { served } of rest) {
        await served.send({ init: head(), chunk: Buffer.from("half"), flush: true });
      }
      for (const { asked } of rest) {
        await asked.head();
      }
      scene.plugin.behave({});
      for (const { asked } of rest) {
        expectEqual(await asked.outcome(), "broken behind status 200", "the outcome behind a head");
      }
      expectThat(
        /^whole with status 50[0-9]/.test((await first?.asked.outcome()) ?? ""),
        `without a head it was ${await first?.asked.outcome()}`,
      );
      await scene.recovers();
    },
  },
  ...violations.map(checkOf),
];

/** A plugin that breaks the contract harms its own clients only. */
function checkOf(violation: Violation): HostCheck {
  const { name, carriers, over, steps } = violation;
  const row = / without end|^cut|^reset/.test(name) ? "F3" : "F4";
  return {
    id: `${row}.${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`,
    text: `A plugin that answers with ${name}: ${wanted[violation.outcome].text}, and all others go on.`,
    ...(carriers !== undefined && { carriers }),
    ...(over !== undefined && { over }),
    async run(scene) {
      const { asked, served } = await scene.exchange();
      misbehaveAlways(scene, served, steps);
      if (violation.readsLate === true) {
        await scene.givenUp(served);
      }
      const outcome = await asked.outcome();
      expectThat(
        wanted[violation.outcome].outcome.test(outcome),
        `the client got this: ${outcome}; ${wanted[violation.outcome].text} was wanted`,
      );
      expectNoSecret(
        JSON.stringify(asked.arrivedHead ?? "") +
          (outcome.startsWith("whole with status 200") ? "" : outcome),
      );
      await scene.recovers();
    },
  };
}

/** A host may ask again where a request has reached nobody. */
function misbehaveAlways(scene: HostScene, served: ServedExchange, steps: readonly Step[]): void {
  const { url } = served.init;
  void scene.plugin
    .expect((again) => again === url)
    .then((again) => misbehaveAlways(scene, again, steps));
  misbehave(served, steps);
}

function misbehave(served: ServedExchange, steps: readonly Step[]): void {
  for (const step of steps) {
    perform(served, step);
  }
  // A stream that stays open would be a different violation.
  const isOpen = steps.every(({ do: what }) => what === "parts" || what === "payload");
  if (isOpen && served instanceof StreamServedExchange) {
    served.endRpc(0);
  }
}

function perform(served: ServedExchange, step: Step): void {
  switch (step.do) {
    case "parts":
      if (served instanceof StreamServedExchange) {
        served.sendOpen(step.parts);
      } else if (served instanceof MuxServedExchange) {
        void served.sendFrame({ parts: step.parts });
      }
      return;
    case "stray":
      if (served instanceof MuxServedExchange) {
        void served.sendFrame({ parts: step.parts }, step.idOffset);
      }
      return;
    case "bytes":
      served.write(step.bytes);
      return;
    case "payload":
      served.write(envelope(step.payload, step.compressed));
      return;
    case "status":
      served.endRpc(step.status, pluginSecret);
      return;
    case "reset":
      served.resetStream(step.code);
      return;
    case "cut":
      served.cut();
      return;
    case "respond":
      if (served instanceof StreamServedExchange) {
        served.rpc.respond(step.headers);
      }
      return;
    default:
  }
}

function expectNoSecret(text: string): void {
  expectThat(!text.includes(pluginSecret), "a message from inside the plugin reached the client");
  expectThat(!/evil/.test(text), "a header field that the plugin must not set reached the client");
}
