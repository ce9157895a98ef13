import { expect, it } from "vitest";
import { readPluginSettings } from "./plugin-settings.js";
import { checkTls, tlsOfEnvironment } from "./plugin-tls-options.js";

const pair = {
  SERVEHTTP_TLS_CERT_FILE: "/tls/tls.crt",
  SERVEHTTP_TLS_KEY_FILE: "/tls/tls.key",
};
const mutual = { ...pair, SERVEHTTP_TLS_CA_FILE: "/tls/ca.crt" };
const files = { certFile: "/tls/tls.crt", keyFile: "/tls/tls.key" };

it("takes TLS from the environment, for a port only, and an option in its place", () => {
  const atPort = { SERVEHTTP_ADDRESS: "0.0.0.0:50051", ...mutual };
  expect(readPluginSettings({}, atPort, []).tls).toEqual({ ...files, caFile: "/tls/ca.crt" });
  const option = { certFile: "a", keyFile: "b" };
  expect(readPluginSettings({ tls: option }, atPort, []).tls).toBe(option);
  const atSocket = { ...atPort, SERVEHTTP_ADDRESS: "unix:/run/notes.sock" };
  expect(readPluginSettings({}, atSocket, []).tls).toBeUndefined();
  expect(readPluginSettings({}, { SERVEHTTP_ADDRESS: "a:1" }, []).tls).toBeUndefined();
});

it("takes several names, with commas between them", () => {
  const names = "spiffe://example.org/ns/hosts/*, host.example.org";
  expect(tlsOfEnvironment({ ...mutual, SERVEHTTP_TLS_SUBJECT_ALT_NAMES: names })).toEqual({
    ...files,
    caFile: "/tls/ca.crt",
    subjectAltNames: ["spiffe://example.org/ns/hosts/*", "host.example.org"],
  });
});

it.each([
  [{ ...pair, SERVEHTTP_TLS_CA_FILE: "" }, "SERVEHTTP_TLS_CA_FILE is empty"],
  [{ ...mutual, SERVEHTTP_TLS_SUBJECT_ALT_NAMES: " " }, "SERVEHTTP_TLS_SUBJECT_ALT_NAMES is empty"],
  [{ SERVEHTTP_TLS_CERT_FILE: "/tls/tls.crt" }, "needs SERVEHTTP_TLS_CERT_FILE and"],
  [{ SERVEHTTP_TLS_CA_FILE: "/tls/ca.crt" }, "needs SERVEHTTP_TLS_CERT_FILE and"],
])("does not serve without what was meant: %j", (variables, message) => {
  expect(() => tlsOfEnvironment(variables)).toThrow(message);
});

it.each([
  [{ ...files, cert: "PEM" }, "the option tls has cert and certFile: give one of them"],
  [{ certFile: "a" }, "the option tls needs key and cert, or pfx"],
  [{ ...files, subjectAltNames: ["a"] }, "needs an authority"],
  [{ ...files, ca: "PEM", subjectAltNames: ["a"] }, "needs an authority"],
  [
    { ...files, caFile: "a", rejectUnauthorized: false, subjectAltNames: ["a"] },
    "needs an authority",
  ],
  [{ ...files, caFile: "a", subjectAltNames: [] }, "the option tls.subjectAltNames has none"],
  [{ ...files, caFile: "a", subjectAltNames: ["spiffe://X/a"] }, 'has "spiffe://X/a"'],
])("refuses %j", (tls, message) => {
  expect(() => checkTls(tls)).toThrow(message);
});
