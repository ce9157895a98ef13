const framing =
  "The host frames the response: a plugin's response writes neither chunk sizes nor a Connection field to its socket.";
const thrown =
  "What a listener throws fails its exchange, and does not become an uncaughtException of the process.";
const host =
  "The host refuses a Host that can't be one, several of them, and a request without one.";

/**
 * Why files of Node's suite fail behind the bridge that pass behind a plain hop. They must still
 * fail. `docs/frameworks.md` lists the differences that are behind them.
 */
export const knownFailures: Readonly<Record<string, string>> = {
  "test-http-exceptions": thrown,
  "test-http-header-owstext": host,
  "test-http-outgoing-properties": framing,
  "test-http-response-cork": framing,
  "test-http-server-connection-list-when-close":
    "The socket of a request has no HTTP parser: the host reads the client's connection.",
  "test-http-server-multiheaders": host,
  "test-http-server-request-timeout-upgrade": host,
  "test-http-upgrade-advertise":
    "The host never lets a client upgrade to h2c, by which requests are smuggled past a proxy.",
  "test-http-upgrade-server-callback":
    "The socket of an upgrade is a Duplex of ours, and no instance of net.Socket. What shouldUpgradeCallback throws fails its exchange.",
  "test-http-upgrade-server2": thrown,
};
