import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isDeepStrictEqual } from "node:util";
import { createPluginHost, type InstanceAddress } from "@servehttp/host-bridge";
import { servePlugin } from "@servehttp/plugin-sdk";
import { turns, until } from "@servehttp/testkit";
import { expect, it } from "vitest";
import { serviceInstances } from "./service-instances.js";
import type { ServiceOptions } from "./service-options.js";
import {
  type Answer,
  open,
  recorded,
  ReplayedApi,
  watchLines,
  whole,
} from "./test-rig/replayed-api.js";

/** Reads what is found until the end of the block. */
class Reading implements AsyncDisposable {
  readonly lists: (readonly InstanceAddress[])[] = [];
  readonly said: string[] = [];
  readonly over: Promise<void>;
  readonly #stop = new AbortController();

  constructor(options: Partial<ServiceOptions>) {
    const say = (_details: object, message: string) => void this.said.push(message);
    const logger = { debug: say, info: say, warn: say, error: say };
    const discover = serviceInstances({ service: "search", ...options });
    this.over = this.#read(discover(this.#stop.signal, logger));
    this.over.catch(() => undefined);
  }

  /** Waits for a list. Changes that arrive together are one list. */
  until(list: readonly InstanceAddress[] | undefined): Promise<void> {
    return until(() => isDeepStrictEqual(this.lists.at(-1), list), "the last list");
  }

  stop(): Promise<void> {
    this.#stop.abort(new Error("the test is over"));
    return this.over;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().catch(() => undefined);
  }

  async #read(lists: AsyncIterable<readonly InstanceAddress[]>): Promise<void> {
    for await (const list of lists) {
      this.lists.push(list);
    }
  }
}

const pod = (number: number) => ({ url: `http://10.1.0.${number}:50051` });
const [one, two, three] = [pod(1), pod(2), pod(3)];
const leaving = { ...two, terminating: true };

/** What the recorded watch says, one after the other. A pod that moves changes nothing. */
const history = [
  [one, two],
  [one, two, three],
  [one, leaving, three],
  [one, three],
];

it("follows what a real API server has said", async () => {
  await using api = await ReplayedApi.start(whole(recorded.list), open(watchLines));
  await using reading = new Reading({ kubeConfig: api.kubeConfig, port: "grpc" });
  await reading.until(history.at(-1));
  expect(reading.lists[0]).toEqual(history[0]);
  const path = "/apis/discovery.k8s.io/v1/namespaces/recorded/endpointslices";
  expect(api.asked.map((asked) => asked.path)).toEqual([path, path]);
  const [list, watch] = api.asked.map(({ query }) => Object.fromEntries(query));
  expect(list).toEqual({ labelSelector: "kubernetes.io/service-name=search" });
  const { metadata } = JSON.parse(recorded.list.text) as { metadata: { resourceVersion: string } };
  expect(watch).toEqual({
    labelSelector: "kubernetes.io/service-name=search",
    watch: "true",
    allowWatchBookmarks: "true",
    resourceVersion: metadata.resourceVersion,
    timeoutSeconds: expect.stringMatching(/^[3-6]\d\d$/),
  });
  expect(api.authorizations).toEqual(["Bearer a-token", "Bearer a-token"]);
  expect(reading.said).toEqual([]);
});

it("resumes behind each line at which a watch ends", async () => {
  const versionOf = (line: string) =>
    (JSON.parse(line) as { object: { metadata: { resourceVersion: string } } }).object.metadata
      .resourceVersion;
  const closed = watchLines.map((line) => (response: ServerResponse) => void response.end(line));
  await using api = await ReplayedApi.start(whole(recorded.list), ...closed, open([]));
  await using reading = new Reading({ kubeConfig: api.kubeConfig, port: "grpc" });
  await until(() => api.versions.length === watchLines.length + 1, "as many watches");
  expect(reading.lists).toEqual(history);
  expect(api.versions.slice(1)).toEqual(watchLines.map(versionOf));
  expect(watchLines.some((line) => line.includes('"BOOKMARK"'))).toBe(true);
});

it("drops half of a line with the connection, and gets all of it anew", async () => {
  const [first = "", ...rest] = watchLines;
  await using api = await ReplayedApi.start(
    whole(recorded.list),
    (response) => void response.write(first.slice(0, -20), () => response.destroy()),
    open([first, ...rest]),
  );
  await using reading = new Reading({ kubeConfig: api.kubeConfig, port: "grpc" });
  await reading.until(history.at(-1));
  expect(new Set(api.versions).size).toBe(1);
  expect(reading.said).toEqual([
    expect.stringMatching(/^Service "search" in namespace "recorded" can't be watched; its last/),
    'Service "search" in namespace "recorded" is watched again',
  ]);
});

it("lists anew where the API server says that the version is too old", async () => {
  await using api = await ReplayedApi.start(
    whole(recorded.list),
    whole(recorded.tooOld),
    whole(recorded.list),
    open(watchLines),
  );
  await using reading = new Reading({ kubeConfig: api.kubeConfig, port: "grpc" });
  await reading.until(history.at(-1));
  expect(api.asked.map(({ query }) => query.has("watch"))).toEqual([false, true, false, true]);
  expect(reading.said).toEqual([]);
});

it.each([
  [
    "forbidden",
    'the API server does not let this process list EndpointSlices in namespace "recorded": ' +
      'endpointslices.discovery.k8s.io is forbidden: User "system:serviceaccount:web:host" cannot ' +
      'list resource "endpointslices" in API group "discovery.k8s.io" in the namespace "recorded". ' +
      "Bind its ServiceAccount to a Role in that namespace with apiGroups " +
      '["discovery.k8s.io"], resources ["endpointslices"], verbs ["list", "watch"]',
  ],
  ["unauthenticated", "does not accept the credentials of this process (Unauthorized): check its"],
  [
    "notFound",
    "has no discovery.k8s.io/v1 (the server could not find the requested resource): it is no API",
  ],
] as const)(
  "throws where the first list is answered as %s, and says what to do",
  async (name, text) => {
    await using api = await ReplayedApi.start(whole(recorded[name]));
    await using reading = new Reading({ kubeConfig: api.kubeConfig });
    await expect(reading.over).rejects.toThrow(text);
    expect(api.asked).toHaveLength(1);
  },
);

it("says where it looked for an API server that is not there", async () => {
  const api = await ReplayedApi.start();
  await api[Symbol.asyncDispose]();
  await using reading = new Reading({ kubeConfig: api.kubeConfig });
  const server = api.kubeConfig.getCurrentCluster()?.server;
  await expect(reading.over).rejects.toThrow(
    `no answer from the API server at ${server}: connect ECONNREFUSED 127.0.0.1:`,
  );
});

it("leaves no connection and no timer behind, whatever it was doing", async () => {
  const refused = (response: ServerResponse) => void response.socket?.destroy();
  const silent = () => undefined;
  // The test's own bound is one, too.
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  const situations: readonly (readonly Answer[])[] = [
    [silent],
    [whole(recorded.list), silent],
    [whole(recorded.list), open([])],
    [whole(recorded.list), refused],
  ];
  for (const [at, answers] of situations.entries()) {
    await using api = await ReplayedApi.start(...answers);
    const reading = new Reading({ kubeConfig: api.kubeConfig });
    await until(() => api.asked.length === answers.length, `situation ${at}`);
    if (at === 3) {
      await until(() => reading.said.length === 1, "the delay");
    }
    await reading.stop();
    await until(() => api.connections === 0, "the end of its connections");
  }
  await until(() => timers() <= before, "the end of its timers");
  expect(timers()).toBeLessThanOrEqual(before);
});

it("reads no more than somebody takes", async () => {
  const line = watchLines.find((text) => text.includes('"ADDED"')) ?? "";
  const bytesMax = 256 * 1_024 * 1_024;
  let bytes = 0;
  const endless = (response: ServerResponse) => {
    const chunk = line.repeat(64);
    const write = (): void => {
      while (bytes < bytesMax && !response.destroyed) {
        bytes += chunk.length;
        if (!response.write(chunk)) {
          response.once("drain", write);
          return;
        }
      }
    };
    write();
  };
  await using api = await ReplayedApi.start(whole(recorded.list), endless);
  const stop = new AbortController();
  const logger = { warn: () => undefined, error: () => undefined };
  const discover = serviceInstances({ service: "search", kubeConfig: api.kubeConfig });
  const lists = discover(stop.signal, logger)[Symbol.asyncIterator]();
  await lists.next();
  await lists.next();
  // Nobody asks for the third.
  await turns(2_000);
  expect(bytes).toBeLessThan(bytesMax / 8);
  stop.abort();
  await lists.return?.();
});

it("brings a host's requests to a plugin, and its troubles into the host's log", async () => {
  await using plugin = await servePlugin(
    { fetch: () => new Response("found") },
    { address: "127.0.0.1:0" },
  );
  const port = Number(/:(\d+)$/.exec(plugin.address)?.[1]);
  const slice = (ready: boolean) => ({
    metadata: { name: "search-a", resourceVersion: ready ? "8" : "7" },
    addressType: "IPv4",
    ports: [{ name: "", port }],
    endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready } }],
  });
  const list = { metadata: { resourceVersion: "7" }, items: [slice(false)] };
  const event = { type: "MODIFIED", object: slice(true) };
  let become = (): void => undefined;
  await using api = await ReplayedApi.start(
    whole({ status: 200, text: JSON.stringify(list) }),
    (response) => {
      response.writeHead(200).flushHeaders();
      become = () => void response.write(`${JSON.stringify(event)}\n`);
    },
  );
  const records: string[] = [];
  const log = (details: Readonly<Record<string, unknown>>, message: string): void =>
    void records.push(`${String(details["plugin"])}: ${message}`);
  await using host = createPluginHost({
    plugins: {
      search: { discover: serviceInstances({ service: "search", kubeConfig: api.kubeConfig }) },
    },
    logger: { info: log, warn: log, error: log },
  });
  const server = host.attach(createServer()).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const started = host.start();
    await until(() => api.asked.length === 2, "the watch");
    expect(records).toContain(
      'search: Service "search" in namespace "recorded" has 1 endpoint, none of them ready',
    );
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/plugins/search/`;
    const waiting = fetch(url);
    become();
    expect(await (await waiting).text()).toBe("found");
    await started;
  } finally {
    server.close().closeAllConnections();
  }
});
