import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  Health,
  HealthCheckResponse_ServingStatus,
  PluginService,
} from "@servehttp/contract/services";
import { MuxHost } from "../wire/mux-host.js";
import type { Check } from "./check.js";
import { expectEqual, expectThat } from "./expect.js";
import type { Scene } from "./scene.js";

const { describe } = PluginService.method;
const { check } = Health.method;
const describePath = "/servehttp.v1.PluginService/Describe";
const failedPrecondition = 9;
const unauthenticated = 16;

/** Describe, health, the token, and the plugin's end. */
export const lifecycleChecks: readonly Check[] = [
  {
    id: "L1.describe",
    text: "Describe says version 1, that it serves HTTP, and its carriers.",
    carriers: ["stream"],
    async run(scene) {
      const { message, text } = await ask(scene, [7, 1]);
      expectThat(message !== undefined, `Describe came to ${text}`);
      const answer = fromBinary(describe.output, message ?? new Uint8Array());
      expectEqual(
        [answer.contractVersion, answer.servesHttp],
        [1, true],
        "version, and serves_http",
      );
      expectThat(
        answer.software.length <= 256,
        `software has ${answer.software.length} characters`,
      );
    },
  },
  {
    id: "L1.version",
    text: "A host that speaks none of the plugin's versions gets FAILED_PRECONDITION.",
    carriers: ["stream"],
    async run(scene) {
      expectEqual((await ask(scene, [9_999])).status, failedPrecondition, "the gRPC status");
    },
  },
  {
    id: "L1.hello",
    text: "A mux RPC begins with the hello at once, on a connection of its own and beside other RPCs, before the host sends a frame.",
    carriers: ["mux"],
    async run(scene) {
      for (const isShared of [false, true]) {
        const connection = await scene.plugin.connect();
        const host = scene.use(new MuxHost(connection, scene.deadline, isShared));
        await scene.deadline.until("the hello", () => host.hasHello || host.ended !== undefined);
        expectEqual(host.ended, undefined, "the end of the RPC");
        expectEqual(host.violation, undefined, "what is wrong with the hello");
      }
    },
  },
  {
    id: "L4.health",
    text: "The standard health service says SERVING.",
    carriers: ["stream"],
    async run(scene) {
      const connection = scene.use(await scene.plugin.connect());
      const question = toBinary(check.input, create(check.input));
      const { message, text } = await connection.unary("/grpc.health.v1.Health/Check", question);
      expectThat(message !== undefined, `Check came to ${text}`);
      const { status } = fromBinary(check.output, message ?? new Uint8Array());
      expectEqual(HealthCheckResponse_ServingStatus[status], "SERVING", "the status");
    },
  },
  {
    id: "L7.token",
    text: "Whoever lacks the token is refused with UNAUTHENTICATED, before any handler runs.",
    carriers: ["stream"],
    needsProcess: true,
    async run(scene) {
      const { token } = scene.process;
      for (const wrong of [null, "wrong", `${token}x`, token.slice(1)]) {
        const connection = scene.use(await scene.plugin.connect(undefined, wrong));
        for (const path of [describePath, "/grpc.health.v1.Health/Check"]) {
          const { status } = await connection.unary(path, new Uint8Array());
          expectEqual(status, unauthenticated, `the gRPC status of ${path}`);
        }
      }
    },
  },
  {
    id: "L7.exchanges",
    text: "Without the token no exchange is served.",
    needsProcess: true,
    async run(scene) {
      const host = await scene.newHost(undefined, "wrong");
      const { key, exchange } = scene.steps(["write=10"], {}, host);
      await exchange.over();
      expectThat(exchange.head === undefined, `it was served: ${exchange.outcome()}`);
      expectEqual(await scene.seen(key), undefined, "the handler has run");
    },
  },
  {
    id: "L5.drain",
    text: "A plugin that gets SIGTERM says that it takes no more, lets what runs end, and then ends.",
    needsProcess: true,
    async run(scene) {
      const { exchange } = scene.upload(["flush", "echo"]);
      await exchange.untilHead();
      await exchange.send({ chunk: scene.random(1_000) });
      await exchange.untilBody(1_000);
      const { process } = scene;
      process.signal("SIGTERM");
      await scene.deadline.within(
        scene.carrier === "mux" ? "draining" : "GOAWAY",
        scene.host.draining(),
      );
      expectThat(!exchange.isOver, `the exchange that ran was ended: ${exchange.outcome()}`);
      await scene.sendBody(exchange, scene.random(100_000, "rest"));
      await exchange.complete();
      expectEqual(exchange.bodyBytes, 101_000, "the bytes of the exchange that ran");
      // A host ends the connection that takes no more, once its exchanges are over.
      scene.host[Symbol.dispose]();
      const end = await scene.deadline.within("the end of the process", process.exited);
      expectThat(end === "exit code 0" || end === "SIGTERM", `the process ended with ${end}`);
    },
  },
  {
    id: "L6.socket-file",
    text: "A plugin that has ended leaves no socket file.",
    carriers: ["stream"],
    needsProcess: true,
    async run(scene) {
      await scene.servesOn();
      const { process } = scene;
      process.signal("SIGTERM");
      await scene.deadline.within("the end of the process", process.exited);
      expectEqual(await process.hasSocketFile(), false, "the socket file is still there");
    },
  },
];

async function ask(scene: Scene, contractVersions: number[]) {
  const connection = scene.use(await scene.plugin.connect());
  const question = create(describe.input, { contractVersions, pluginId: "conformance" });
  return await connection.unary(describePath, toBinary(describe.input, question));
}
