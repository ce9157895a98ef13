import { once } from "node:events";
import { constants, createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Carrier, PluginService } from "@servehttp/contract/services";
import type { ResponseMessage, Step } from "../hostile/violation.js";
import { violations } from "../hostile/violations.js";
import { Observer } from "../observation/observer.js";

/**
 * A plugin that commits the violation that a request's path names: `/violation/{number}`. It is
 * written on `node:http2` alone, so that no library of ours prevents a violation.
 *
 *     node hostile-plugin.js OBSERVATION_SOCKET
 */
const { serveHTTP, serveHTTPMux, describe } = PluginService.method;
const [, , observationPath = ""] = process.argv;
const server = createServer();
server.listen(0, "127.0.0.1");
await once(server, "listening");
await Observer.connect(observationPath, "hostile", {
  url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
});

server.on("session", (session) => {
  session.on("error", () => undefined);
});
server.on("stream", (stream: ServerHttp2Stream, headers) => {
  stream.on("error", () => undefined);
  const take = rpcs[headers[":path"] ?? ""] ?? refuse;
  take(stream);
});

const rpcs: Readonly<Record<string, (stream: ServerHttp2Stream) => void>> = {
  "/servehttp.v1.PluginService/Describe": (stream) => {
    answerHead(stream);
    stream.write(
      envelope(
        toBinary(
          describe.output,
          create(describe.output, {
            contractVersion: 1,
            servesHttp: true,
            carriers: [Carrier.STREAM, Carrier.MUX],
            software: "hostile",
          }),
        ),
      ),
    );
    endWith(stream, 0);
  },
  "/servehttp.v1.PluginService/ServeHTTP": (stream) => {
    onMessage(stream, (message) => {
      const { init } = fromBinary(serveHTTP.input, message);
      if (init !== undefined) {
        misbehave(stream, "stream", init.url, (parts) =>
          envelope(toBinary(serveHTTP.output, create(serveHTTP.output, parts))),
        );
      }
    });
  },
  "/servehttp.v1.PluginService/ServeHTTPMux": (stream) => {
    answerHead(stream);
    stream.write(envelope(new Uint8Array()));
    onMessage(stream, (message) => {
      for (const { exchangeId, parts } of fromBinary(serveHTTPMux.input, message).frames) {
        if (parts?.init !== undefined) {
          misbehave(stream, "mux", parts.init.url, (answer, idOffset = 0) =>
            envelope(
              toBinary(
                serveHTTPMux.output,
                create(serveHTTPMux.output, {
                  frames: [{ exchangeId: exchangeId + BigInt(idOffset), parts: answer }],
                }),
              ),
            ),
          );
        }
      }
    });
  },
};

function refuse(stream: ServerHttp2Stream): void {
  const unimplemented = 12;
  answerHead(stream);
  endWith(stream, unimplemented);
}

function misbehave(
  stream: ServerHttp2Stream,
  carrier: "stream" | "mux",
  url: string,
  encode: (parts: ResponseMessage, idOffset?: number) => Uint8Array,
): void {
  const violation = violations[Number(/^\/violation\/(\d+)/.exec(url)?.[1])];
  for (const step of violation?.steps ?? []) {
    perform(stream, step, encode);
  }
  // A stream that stays open would be a different violation.
  const ends = carrier === "stream" && !stream.destroyed && !stream.writableEnded;
  if (ends && violation?.steps.every((step) => step.do === "parts" || step.do === "payload")) {
    endWith(stream, 0);
  }
}

function perform(
  stream: ServerHttp2Stream,
  step: Step,
  encode: (parts: ResponseMessage, idOffset?: number) => Uint8Array,
): void {
  if (step.do !== "respond" && !stream.headersSent) {
    answerHead(stream);
  }
  switch (step.do) {
    case "parts":
      stream.write(encode(step.parts));
      return;
    case "stray":
      stream.write(encode(step.parts, step.idOffset));
      return;
    case "bytes":
      stream.write(step.bytes);
      return;
    case "payload":
      stream.write(envelope(step.payload, step.compressed));
      return;
    case "status":
      endWith(stream, step.status);
      return;
    case "reset":
      closeLater(stream, step.code);
      return;
    case "cut":
      // Its other ways to end it are not for users of a session.
      stream.session?.socket.destroySoon();
      return;
    case "respond":
      stream.respond(step.headers);
  }
}

function answerHead(stream: ServerHttp2Stream): void {
  stream.respond(
    { ":status": constants.HTTP_STATUS_OK, "content-type": "application/grpc+proto" },
    { waitForTrailers: true },
  );
}

function endWith(stream: ServerHttp2Stream, status: number | undefined): void {
  stream.on("wantTrailers", () => {
    if (status === undefined) {
      closeLater(stream, constants.NGHTTP2_NO_ERROR);
    } else {
      stream.sendTrailers({ "grpc-status": status, "grpc-message": "secret of the plugin" });
    }
  });
  stream.end();
}

/** Closes a stream in a later turn. At once, it can end the process on Node 26. */
function closeLater(stream: ServerHttp2Stream, code: number): void {
  setImmediate(() => stream.close(code));
}

/** The length prefix of gRPC before a message. */
function envelope(message: Uint8Array, compressed = false): Uint8Array {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed ? 1 : 0);
  head.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([head, message]);
}

function onMessage(stream: ServerHttp2Stream, take: (message: Uint8Array) => void): void {
  let buffered = Buffer.alloc(0);
  stream.on("data", (data: Buffer) => {
    buffered = Buffer.concat([buffered, data]);
    while (buffered.length >= 5 && buffered.length >= 5 + buffered.readUInt32BE(1)) {
      const length = buffered.readUInt32BE(1);
      take(buffered.subarray(5, 5 + length));
      buffered = buffered.subarray(5 + length);
    }
  });
}
