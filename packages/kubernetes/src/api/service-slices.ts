import { eventBytesMax, listBytesMax, watchSecondsMin } from "../limits.js";
import { type EndpointSliceJson, readSlice } from "../slices/endpoint-slice.js";
import type { ListedSlices, SliceApi, SliceEvent } from "../slices/watch-slices.js";
import { ApiError, refusal, unreachable, type Wanted } from "./api-error.js";
import { askApi, textOf } from "./ask-api.js";
import type { Cluster } from "./cluster.js";
import { linesOf } from "./lines-of.js";

/** The EndpointSlices of one Service, as an API server has them. */
export class ServiceSlices implements SliceApi {
  readonly #cluster: Cluster;
  readonly #namespace: string;
  readonly #labelSelector: string;
  readonly #chance: () => number;

  constructor(cluster: Cluster, namespace: string, service: string, chance: () => number) {
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.#labelSelector = `kubernetes.io/service-name=${service}`;
    this.#chance = chance;
  }

  async list(signal: AbortSignal): Promise<ListedSlices> {
    const wanted = this.#wanted("list");
    const query = { labelSelector: this.#labelSelector };
    await using answer = await askApi(this.#cluster, query, wanted, signal);
    const text = await textOf(answer.body, listBytesMax);
    return read(wanted, () => {
      const { items, metadata } = JSON.parse(text) as ListJson;
      const slices = (items ?? []).toSorted((one, other) =>
        compareVersions(one.metadata.resourceVersion, other.metadata.resourceVersion),
      );
      return { slices: slices.map(readSlice), version: metadata.resourceVersion };
    });
  }

  async *watch(version: string, signal: AbortSignal): AsyncGenerator<readonly SliceEvent[]> {
    const wanted = this.#wanted("watch");
    const query = {
      labelSelector: this.#labelSelector,
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: version,
      timeoutSeconds: String(Math.round(watchSecondsMin * (1 + this.#chance()))),
    };
    await using answer = await askApi(this.#cluster, query, wanted, signal);
    yield [];
    for await (const lines of linesOf(answer.body, eventBytesMax)) {
      yield lines.map((line) => read(wanted, () => eventOf(JSON.parse(line), wanted)));
    }
  }

  isTooOld(error: unknown): boolean {
    return error instanceof ApiError && error.status === 410;
  }

  #wanted(verb: "list" | "watch"): Wanted {
    return { server: this.#cluster.server, namespace: this.#namespace, verb };
  }
}

/** `EndpointSliceList` in JSON. */
interface ListJson {
  readonly metadata: { readonly resourceVersion: string };
  readonly items?: readonly EndpointSliceJson[] | null;
}

/** `WatchEvent` in JSON. */
type EventJson =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: EndpointSliceJson }
  | { readonly type: "BOOKMARK"; readonly object: Pick<EndpointSliceJson, "metadata"> }
  | {
      readonly type: "ERROR";
      readonly object: { readonly code: number; readonly message?: string };
    };

function eventOf(event: EventJson, wanted: Wanted): SliceEvent {
  if (event.type === "ERROR") {
    const { code, message = "" } = event.object;
    return { kind: "error", error: refusal(code, message, wanted) };
  }
  const { name, resourceVersion: version } = event.object.metadata;
  switch (event.type) {
    case "BOOKMARK":
      return { kind: "bookmark", version };
    case "DELETED":
      return { kind: "remove", name, version };
    default:
      return { kind: "put", slice: readSlice(event.object), version };
  }
}

/** Versions are whole numbers of any length. */
function compareVersions(one: string, other: string): number {
  return one.length - other.length || (one < other ? -1 : 1);
}

function read<Value>(wanted: Wanted, how: () => Value): Value {
  try {
    return how();
  } catch (error) {
    throw unreachable(error, wanted);
  }
}
