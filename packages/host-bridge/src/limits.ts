/**
 * Every bound of the host that the contract does not set, with its unit and its reason. A bound
 * that an option can move is the option's default and lives in `options.ts`. Units are the last
 * word of each name.
 */

/** A request target: 64 KiB, what the contract allows for `url`. Longer is 414. */
export const targetBytesMax = 65_536;

/** A plugin's id: 128 bytes, what the contract allows. */
export const pluginIdBytesMax = 128;

/**
 * A request's header section: 64 KiB, four times what Node accepts by default, and half of what the
 * contract does, which leaves room for what the host adds. Larger is 431.
 */
export const requestSectionBytesMax = 65_536;

/**
 * Header fields of a request: 800. The contract allows 1,000, and what the host adds (identity, who
 * called) must fit: a plugin takes a request beyond that for a host that breaks the contract, and
 * closes the connection. More is 431.
 */
export const requestFieldsMax = 800;

/**
 * The header or trailer section of a plugin's response: 64 KiB, four times what most clients
 * accept. Longer is 502.
 */
export const responseSectionBytesMax = 65_536;

/**
 * A Host field or an authority: 1 KiB, four times what a name in DNS may have. It goes to the plugin
 * three times. Longer is 400.
 */
export const hostBytesMax = 1_024;

/**
 * Header names whose meaning is remembered: 512. Strangers choose names, so the memory is bounded.
 */
export const fieldNamesRememberedMax = 512;

/**
 * Names that `identity` may teach the host: 128. It names a handful; more than that is a defect
 * that must not grow.
 */
export const identityNamesMax = 128;

/**
 * Header fields that `identity` may return for one request: 128. With those of the client they stay
 * below what the contract allows.
 */
export const identityFieldsMax = 128;

/** Their names and values together: 16 KiB, as much as `context` may return. */
export const identityBytesMax = 16_384;

/**
 * How long `identity` and `context` may take: 30 s, longer than any look-up for which a client
 * waits. A promise that never settles would keep its request for ever.
 */
export const hostFunctionMsMax = 30_000;

/**
 * The body of a response that `identity` returns: 1 MiB, a login page with all it needs. It is held
 * as a whole.
 */
export const applicationBodyBytesMax = 1_048_576;

/**
 * Passwords that wait to be checked by `basicIdentity`: 64, several seconds' work of its thread. A
 * client beyond is answered 503.
 */
export const passwordChecksMax = 64;

/** Right passwords that `basicIdentity` remembers: 1,024. */
export const passwordsRememberedMax = 1_024;

/**
 * The answer of the service that `forwardAuth` asks: 1 MiB, a login page with all it needs.
 */
export const authAnswerBytesMax = 1_048_576;

/** Clients' addresses whose trust is remembered: 1,024. */
export const trustRememberedMax = 1_024;

/**
 * How long a client's connection may be silent until the system asks whether the client is still
 * there: 60 s. Linux then takes another 10 s to find out that it is not.
 */
export const clientSilenceMsMax = 60_000;

/** Between the answer to a health check and the next check: 2 s. */
export const healthIntervalMs = 2_000;

/**
 * How long the answer to a health check may take until the plugin gets nothing new: 2 s, longer
 * than any pause of a garbage collector.
 */
export const healthTimeoutMs = 2_000;

/** Between two looks at what a plugin does that has not answered: 500 ms. */
export const healthSampleMs = 500;

/** A plugin is replaced when it has slept this many times as long on a health check: 3. */
export const healthMissesMax = 3;

/** How long it may work without an answer, or do what nobody knows, until it is replaced: 30 s. */
export const healthBusyMsMax = 30_000;

/**
 * How long the rest of a request that has its answer is read to keep its connection, up to the
 * contract's `discardBytesMax`: 5 s.
 */
export const discardMsMax = 5_000;

/**
 * What is read and dropped of a request whose connection, or HTTP/2 stream, closes behind its early
 * answer: 64 MiB. A client that sends that much takes no notice of the answer.
 */
export const lingerBytesMax = 67_108_864;

/** How long it is read: 30 s, nginx's default. */
export const lingerMsMax = 30_000;

/** How long such a client may send nothing until it is cut off: 5 s, nginx's default. */
export const lingerSilenceMsMax = 5_000;

/**
 * How long a client may take to read what a plugin wrote to its tunnel before it closed it: 5 s.
 */
export const tunnelLingerMs = 5_000;

/** How far behind its start a plugin may push the head of a long exchange: 10 minutes. */
export const headExtensionMsMax = 600_000;

/** One line of a plugin's output in the log: 8 KiB. The rest of the line is read and dropped. */
export const outputLineBytesMax = 8_192;

/**
 * Lines of one stream that are logged in a second on average: 1,000, a tenth of what pino writes on
 * a busy core.
 */
export const outputLinesPerSecondMax = 1_000;

/**
 * Lines of one stream that are logged at once, before the average counts: 2,000, a long start-up
 * with room.
 */
export const outputLinesBurstMax = 2_000;

/**
 * Records of the default logger that wait until standard output takes them: 1 MiB. More of them are
 * lost.
 */
export const logWaitingBytesMax = 1_048_576;

/** Between two attempts to write them, where no other record comes first: 50 ms. */
export const logRetryMs = 50;

/**
 * Sets of attributes of all requests in metrics: 2,000, the bound of OpenTelemetry's SDKs. A busy
 * plugin has a hundred.
 */
export const attributeSetsMax = 2_000;

/**
 * How long lines of the access log are collected: 50 ms, which nobody who reads along notices, or
 * 64 KiB of them.
 */
export const logFlushMs = 50;
export const logLinesBytesMax = 65_536;

/** Between two looks at whether the file of the access log was moved away: 1 s. */
export const logFileCheckMs = 1_000;

/** How much of a plugin's last output is kept for the error that says why it failed: 2 KiB. */
export const outputTailBytesMax = 2_048;

/** From SIGTERM to SIGKILL for a plugin that has nothing left to do: 5 s. */
export const stopGraceMs = 5_000;

/**
 * The same for one whose connection broke or that was not ready in time: 1 s. Its successor starts
 * when it is gone.
 */
export const lostGraceMs = 1_000;

/**
 * How much longer than other exchanges tunnels have, for their plugin to say why they close: 1 s.
 */
export const tunnelCloseMs = 1_000;

/** A plugin that closes its connection sooner than this, even in good order, has failed: 1 s. */
export const steadyMs = 1_000;

/** Closed connections of one instance on which something still runs: 8. */
export const retiredMax = 8;

/** Failures of a plugin that `host.plugins` tells: the last 10. */
export const failuresToldMax = 10;

/** Words of a plugin in one record of the log, other than its output: 1,024 characters. */
export const foreignTextMax = 1_024;

/**
 * What is read ahead of an upload that waits for its plugin, so that the host notices when its
 * client leaves: 256 KiB. So `maxWaiting` of them hold 256 MiB at most.
 */
export const heldBodyBytesMax = 262_144;

/** Between two records that say the same of a plugin while requests keep coming: 1 minute. */
export const sayAgainMs = 60_000;

/**
 * How long the host waits for the output of a process that has ended, where another process holds
 * its pipes: 200 ms.
 */
export const outputEndMs = 200;

/**
 * The path of a unix socket: 103 bytes, the least that any system takes (macOS; Linux takes 107).
 */
export const socketPathBytesMax = 103;

/**
 * A directory of sockets without a host that is younger than this belongs to a host that is just
 * starting: 60 s.
 */
export const socketDirectoryFreshMs = 60_000;

/** Plugins that start at once, for each processor: 2, so that one may wait while another works. */
export const startsPerProcessor = 2;

/** Between two looks at whether a plugin that starts needs its turn: 500 ms. */
export const turnCheckMs = 500;

/** How long a process that closed its connection may take to answer on another one: 1 s. */
export const connectAgainMs = 1_000;

/** How long a process whose connection broke may take to end before it is told to: 100 ms. */
export const exitToldMs = 100;

/**
 * Between two attempts to connect to a plugin that is starting: 5 ms, growing to 100 ms by a
 * twentieth each time. So one that takes up to two seconds waits at most a twentieth of that for the
 * host to notice.
 */
export const connectRetryMs = { first: 5, max: 100, growth: 1.05 } as const;

/** The head of a request that skips Node's parser: 16 KiB, what Node accepts by default. */
export const fastPathHeadBytesMax = 16_384;

/** Its fields: 100, three times what a browser sends. */
export const fastPathFieldsMax = 100;

/**
 * What is kept of what a client sends behind a request that is still served: 64 KiB, one read of a
 * socket.
 */
export const fastPathHeldBytesMax = 65_536;

/**
 * What may wait in the socket of a client that has read 16 MiB of a response, in place of the 64 KiB
 * of Node's: 256 KiB, so that several chunks go out in one write and its plugin need not wait for
 * each. All sockets of a server together get no more of it than `muxGrowthBytesMax`.
 */
export const fastPathWideBytes = 262_144;

/**
 * What a read of a client must have brought for its memory to be freed as soon as the plugin has been
 * sent it: 16 KiB. For less, the collector is cheaper.
 */
export const fastPathFreedBytesMin = 16_384;

/** How long a new connection may be silent until it is Node's, whose times begin then: 1 s. */
export const fastPathSilenceMsMax = 1_000;

/**
 * Between two looks at the times of the fast path's connections, by the shortest of them: 20 ms to
 * 500 ms.
 */
export const fastPathClockMs = { min: 20, max: 500 } as const;

/**
 * How long the end of an HTTP/2 body without a length waits for a reset behind it, which says that
 * the client gave the request up: 20 ms. Clients that end a stream and then reset it do so at once.
 */
export const unprovenEndMs = 20;

/**
 * How often a request may go on at the same instance that no handler there has seen: 4 times, as
 * long as there is no other one. A server that goes says so on one connection after the other. At
 * another instance it goes on once, so that no request wanders through a fleet.
 */
export const givenBackMax = 4;

/**
 * How long such a request waits the second time: 25 ms, and four times as long each time after. The
 * first time, it looks for another instance at once.
 */
export const givenBackMs = 25;

/**
 * How many requests of a plugin may be tried again: 100 at first, and one more for every 5 that
 * ended well, which is the 20 % of Envoy's retry budget. Up to 1,000 are kept, the most that gRPC's
 * retry throttling keeps: an instance of a busy fleet gives back many at a time when it goes.
 */
export const retryBudget = { atFirst: 100, exchangesPerRetry: 5, max: 1_000 } as const;

/** Calls of plugins within one another: 8, several times what people build. One more is 508. */
export const callDepthMax = 8;

/** Calls of one plugin that run at once: 1,024. Those beyond are answered 503. */
export const callsMax = 1_024;

/** Connections on which plugins call: 4,096, so that no plugin takes all descriptors of the host. */
export const callConnectionsMax = 4_096;

/** The longest fields of a request that a connection on the fast path remembers: 4 KiB. */
export const fastPathRepeatedBytesMax = 4_096;

/**
 * A header of version 2 of the PROXY protocol: 4 KiB. Addresses take 232 bytes at most, and what
 * clouds and balancers add behind them a few hundred.
 */
export const proxyHeaderBytesMax = 4_096;

/** The most that a timer of Node's can wait, in milliseconds: 24.8 days. Beyond, it fires at once. */
export const timerMsMax = 2_147_483_647;

/** How long workers may take to connect to a process that its supervisor is connected to: 2 s. */
export const workersConnectMs = 2_000;

/**
 * How long workers may take to break what ran on a process, when its time is over: 1 s. Then the
 * process is ended, which breaks it as well.
 */
export const workersLeaveMs = 1_000;

/** Between two reports of what a worker's plugins do, where something has changed: 250 ms. */
export const workerReportMs = 250;

/** How long a worker may take to say what it knows of an exchange: 2 s. */
export const workerAnswerMs = 2_000;

/**
 * Between a failure to find out where a plugin's instances are and the next attempt: 1 s, growing to
 * 30 s. Names in DNS change within seconds where an orchestrator starts instances.
 */
export const discoveryRetryMs = { min: 1_000, max: 30_000 } as const;

/**
 * Between two looks at a name in DNS: its time to live, at least 1 s, so that nothing floods the
 * server, and at most 60 s; 5 s where nobody says how long, which is what Kubernetes gives its names.
 */
export const nameIntervalMs = { min: 1_000, max: 60_000, unknown: 5_000 } as const;

/**
 * The same after a look that failed or found nothing: 1 s, growing to 5 s. Requests may be waiting
 * for the first instance.
 */
export const nameRetryMs = { min: 1_000, max: 5_000 } as const;

/** How long a DNS server may take to answer, until it is asked once more, or another is: 2 s. */
export const dnsTimeoutMs = 2_000;

/**
 * How long DNS may take to tell a time to live, once the system has told addresses: 100 ms. They
 * must not wait for it.
 */
export const dnsTimeToLiveMs = 100;
