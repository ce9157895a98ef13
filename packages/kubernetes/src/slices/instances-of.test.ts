import { expect, it } from "vitest";
import { type EndpointSliceJson, readSlice } from "./endpoint-slice.js";
import { instancesOf, type InstanceChoice } from "./instances-of.js";

type EndpointJson = NonNullable<EndpointSliceJson["endpoints"]>[number];

const grpc = [{ name: "grpc", port: 50_051, protocol: "TCP" }];

function slice(
  name: string,
  endpoints: readonly EndpointJson[] | null,
  more: Partial<EndpointSliceJson> = {},
) {
  const metadata = { name, resourceVersion: "1" };
  return readSlice({ metadata, addressType: "IPv4", ports: grpc, endpoints, ...more });
}

function endpoint(
  address: string,
  conditions: EndpointJson["conditions"] = {},
  zones?: readonly string[],
): EndpointJson {
  const hints = zones && { forZones: zones.map((zone) => ({ name: zone })) };
  return { addresses: [address], conditions, ...(hints && { hints }) };
}

const leaving = { ready: false, serving: true, terminating: true };
const choice: InstanceChoice = {
  port: undefined,
  scheme: "http",
  zone: undefined,
  addressType: undefined,
};

function found(slices: readonly ReturnType<typeof slice>[], more: Partial<InstanceChoice> = {}) {
  return instancesOf(slices, { ...choice, ...more });
}

function urls(slices: readonly ReturnType<typeof slice>[], more: Partial<InstanceChoice> = {}) {
  return found(slices, more).addresses.map(({ url }) => url);
}

it("puts the slices of a Service together, in the order of urls", () => {
  const slices = [
    slice("b", [endpoint("10.1.0.3"), endpoint("10.1.0.1")]),
    slice("a", [endpoint("10.1.0.2")]),
  ];
  expect(found(slices)).toEqual({
    addresses: [
      { url: "http://10.1.0.1:50051" },
      { url: "http://10.1.0.2:50051" },
      { url: "http://10.1.0.3:50051" },
    ],
    trouble: undefined,
  });
  expect(urls(slices, { scheme: "https" })[0]).toBe("https://10.1.0.1:50051");
});

it("takes conditions that are not told for ready, and leaves out what is not ready", () => {
  const endpoints = [
    { addresses: ["10.1.0.1"] },
    endpoint("10.1.0.2", { ready: true }),
    endpoint("10.1.0.3", { ready: false, serving: false, terminating: false }),
  ];
  expect(urls([slice("a", endpoints)])).toEqual(["http://10.1.0.1:50051", "http://10.1.0.2:50051"]);
});

it("says which addresses are terminating, while others are ready", () => {
  const endpoints = [
    endpoint("10.1.0.1"),
    endpoint("10.1.0.2", leaving),
    endpoint("10.1.0.3", { ready: false, serving: false, terminating: true }),
    // As with publishNotReadyAddresses.
    endpoint("10.1.0.4", { ready: true, serving: true, terminating: true }),
  ];
  expect(found([slice("a", endpoints)]).addresses).toEqual([
    { url: "http://10.1.0.1:50051" },
    { url: "http://10.1.0.2:50051", terminating: true },
    { url: "http://10.1.0.3:50051", terminating: true },
    { url: "http://10.1.0.4:50051", terminating: true },
  ]);
});

it("uses what is terminating and still serves, where nothing is ready", () => {
  const endpoints = [
    endpoint("10.1.0.1", { ready: false, serving: false }),
    endpoint("10.1.0.2", leaving),
    endpoint("10.1.0.3", { ready: false, serving: false, terminating: true }),
  ];
  expect(found([slice("a", endpoints)])).toEqual({
    addresses: [
      { url: "http://10.1.0.2:50051" },
      { url: "http://10.1.0.3:50051", terminating: true },
    ],
    trouble: { kind: "none-ready", text: "has 3 endpoints, none of them ready" },
  });
});

it("has an endpoint that moves between slices once, as the slice says that changed last", () => {
  const old = slice("a", [endpoint("10.1.0.1"), endpoint("10.1.0.2")]);
  const fresh = slice("b", [endpoint("10.1.0.2", leaving)]);
  expect(found([old, fresh]).addresses).toEqual([
    { url: "http://10.1.0.1:50051" },
    { url: "http://10.1.0.2:50051", terminating: true },
  ]);
  expect(urls([fresh, old])).toEqual(["http://10.1.0.1:50051", "http://10.1.0.2:50051"]);
});

it("prefers the own zone where every ready endpoint has a hint", () => {
  const endpoints = [
    endpoint("10.1.0.1", {}, ["a"]),
    endpoint("10.1.0.2", {}, ["b", "c"]),
    // Without a hint, and not ready: it does not count.
    endpoint("10.1.0.3", { ready: false }),
    endpoint("10.1.0.4", leaving),
  ];
  const inZone = (zone: string | undefined) => found([slice("a", endpoints)], { zone }).addresses;
  expect(inZone("b")).toEqual([
    { url: "http://10.1.0.1:50051", priority: 1 },
    { url: "http://10.1.0.2:50051" },
    { url: "http://10.1.0.4:50051", terminating: true },
  ]);
  expect(inZone("c")).toEqual(inZone("b"));
  const without = [
    { url: "http://10.1.0.1:50051" },
    { url: "http://10.1.0.2:50051" },
    { url: "http://10.1.0.4:50051", terminating: true },
  ];
  expect(inZone("d"), "no endpoint is for this zone").toEqual(without);
  expect(inZone(undefined), "the own zone is not known").toEqual(without);
});

it("ignores hints where a ready endpoint has none", () => {
  const hinted = slice("a", [endpoint("10.1.0.1", {}, ["a"]), endpoint("10.1.0.2", {}, ["b"])]);
  const plain = slice("b", [endpoint("10.1.0.3")]);
  expect(found([hinted, plain], { zone: "a" }).addresses).toEqual([
    { url: "http://10.1.0.1:50051" },
    { url: "http://10.1.0.2:50051" },
    { url: "http://10.1.0.3:50051" },
  ]);
});

it("uses one family of a Service with two", () => {
  const six = slice("six", [endpoint("fd00::1")], { addressType: "IPv6" });
  const four = slice("four", [endpoint("10.1.0.1")]);
  const name = slice("name", [endpoint("search.example")], { addressType: "FQDN" });
  expect(urls([six, four, name])).toEqual(["http://10.1.0.1:50051"]);
  expect(urls([six, slice("four", null), name])).toEqual(["http://[fd00::1]:50051"]);
  expect(urls([name])).toEqual(["http://search.example:50051"]);
  expect(urls([six, four, name], { addressType: "IPv6" })).toEqual(["http://[fd00::1]:50051"]);
  expect(found([six], { addressType: "IPv4" })).toEqual({
    addresses: [],
    trouble: { kind: "no-endpoints", text: "has IPv6 endpoints alone" },
  });
});

const several = {
  ports: [
    { name: "grpc", port: 50_051 },
    { name: "metrics", port: 9_090 },
    { name: "voice", port: 5_060, protocol: "UDP" },
    { name: "any" },
  ],
};

it("finds a named port, which differs from slice to slice where pods name it", () => {
  const slices = [
    slice("a", [endpoint("10.1.0.1")], several),
    slice("b", [endpoint("10.1.0.2")], { ports: [{ name: "grpc", port: 50_052 }] }),
    slice("c", [endpoint("10.1.0.3")], { ports: null }),
  ];
  expect(urls(slices, { port: "grpc" })).toEqual([
    "http://10.1.0.1:50051",
    "http://10.1.0.2:50052",
  ]);
});

it.each([
  [undefined, 'has several ports, "grpc" (50051), "metrics" (9090): say which one'],
  ["http", 'has no TCP port named "http", only "grpc" (50051), "metrics" (9090)'],
  ["voice", 'has no TCP port named "voice", only "grpc" (50051), "metrics" (9090)'],
])("says which ports there are where %s is none of them", (port, text) => {
  const slices = [slice("a", [endpoint("10.1.0.1")], several)];
  expect(found(slices, { port })).toEqual({ addresses: [], trouble: { kind: "port", text } });
});

it("takes a number for the port of the pods, and says so where the Service has another", () => {
  const slices = [slice("a", [endpoint("10.1.0.1")], several)];
  expect(found(slices, { port: 9_090 })).toEqual({
    addresses: [{ url: "http://10.1.0.1:9090" }],
    trouble: undefined,
  });
  expect(found(slices, { port: 80 })).toEqual({
    addresses: [{ url: "http://10.1.0.1:80" }],
    trouble: {
      kind: "port",
      text:
        'sends to "grpc" (50051), "metrics" (9090) of its pods, and not to 80: ' +
        "give the port that they listen at",
    },
  });
  expect(found([slice("a", [endpoint("10.1.0.1")], { ports: [] })], { port: 80 })).toEqual({
    addresses: [{ url: "http://10.1.0.1:80" }],
    trouble: undefined,
  });
});

it.each([
  [[], "no-slices", /has no EndpointSlices: check its name/],
  [[slice("a", null)], "no-endpoints", /no pod matches its selector/],
  [[slice("a", [endpoint("10.1.0.1", { ready: false })])], "none-ready", /1 endpoint, none/],
])("says why there are no addresses", (slices, kind, text) => {
  const { addresses, trouble } = found(slices);
  expect(addresses).toEqual([]);
  expect(trouble).toEqual({ kind, text: expect.stringMatching(text) });
});
