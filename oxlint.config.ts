import { defineConfig } from "oxlint";

/**
 * The rooms of each package and what each may import of the others. What stands behind a room stands
 * below it; `limits.js` may be imported everywhere. decisions/009 says why it is kept here.
 */
const rooms: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  admin: {
    access: ["answer", "api"],
    answer: ["api"],
    api: [],
    metrics: ["otlp"],
    otlp: [],
    page: ["answer", "api"],
    record: ["api"],
    routes: ["access", "answer", "api", "record"],
    traces: ["otlp"],
  },
  "admin/dashboard": {
    api: [],
    charts: ["model"],
    exchanges: ["api", "model", "parts", "route", "watch"],
    log: ["api", "model", "parts", "watch"],
    model: [],
    page: ["api", "exchanges", "log", "model", "parts", "plugins", "route", "watch"],
    parts: ["api", "model"],
    plugins: ["api", "charts", "model", "parts", "route", "watch"],
    route: [],
    watch: ["api", "model"],
  },
  carrier: {
    http2: ["mux", "schedule", "wire"],
    messages: ["mux", "wire"],
    mux: ["schedule", "wire"],
    node: ["mux", "stream", "wire"],
    schedule: [],
    services: ["stream", "wire"],
    stream: ["http2", "schedule", "wire"],
    tls: [],
    wire: [],
  },
  cli: {
    check: ["config", "context", "output", "run"],
    commands: [
      "check",
      "config",
      "context",
      "control",
      "init",
      "output",
      "run",
      "service",
      "terminal",
      "upgrade",
      "workers",
    ],
    config: ["context", "listen", "output", "target"],
    context: [],
    control: ["context", "output", "run", "upgrade"],
    init: ["context", "output"],
    listen: ["context"],
    output: ["context"],
    reload: ["config", "context", "listen"],
    run: ["config", "context", "listen", "output", "reload", "target"],
    service: ["config", "context", "listen", "run"],
    upgrade: ["context", "listen", "run"],
    target: ["context"],
    terminal: ["context", "output", "run"],
    workers: ["config", "context", "listen", "output", "reload", "run"],
  },
  contract: {},
  "host-bridge": {
    "access-log": ["observation", "options", "syntax"],
    balance: ["syntax"],
    calls: ["client", "edge", "exchange", "node", "process", "routing", "server"],
    client: ["edge"],
    development: ["client", "edge", "exchange"],
    discovery: ["options", "process"],
    edge: ["syntax"],
    exchange: ["client", "edge", "observation"],
    "fast-path": ["client", "edge"],
    identity: ["client", "edge", "options"],
    metrics: ["observation", "plugin", "process"],
    node: ["client", "edge"],
    observation: ["client", "edge"],
    options: ["edge", "routing", "syntax"],
    plugin: ["balance", "discovery", "exchange", "observation", "options", "process", "routing"],
    process: [],
    "proxy-protocol": ["client", "edge", "options"],
    routing: ["edge", "syntax"],
    server: [
      "client",
      "development",
      "edge",
      "exchange",
      "fast-path",
      "node",
      "observation",
      "routing",
      "syntax",
    ],
    syntax: [],
    tracing: ["observation"],
    watch: ["options", "process"],
    workers: ["calls", "observation", "plugin", "process"],
  },
  kubernetes: {
    api: ["slices"],
    slices: [],
  },
  "plugin-sdk": {
    adapters: ["exchange", "handler", "tracing"],
    calls: ["handler", "tracing"],
    diagnostics: [],
    exchange: ["handler", "tracing"],
    handler: [],
    serve: ["adapters", "calls", "diagnostics", "exchange", "handler", "tracing"],
    testing: ["adapters", "exchange", "handler", "tracing"],
    tracing: [],
  },
};

/** Rooms of pure rules: they run and are tested without a socket or a process. */
const pureRooms = [
  "carrier/messages",
  "carrier/mux",
  "carrier/schedule",
  "carrier/wire",
  "host-bridge/balance",
  "host-bridge/syntax",
];

/** The only files that speak through connect-node. */
const connectFiles: Readonly<Record<string, string>> = {
  "host-bridge": "plugin/plugin-connection.ts",
  "plugin-sdk": "serve/plugin-rpcs.ts",
};

/** Imports that are refused: those that the last matching glob names, unless it begins with "!". */
interface Pattern {
  readonly group: string[];
  readonly message: string;
}

const noNode: Pattern = {
  group: ["node:*"],
  message: "This is pure: no I/O, so that it runs and is tested anywhere.",
};

const noConnect: Pattern = {
  group: ["@connectrpc/**"],
  message: "connect-node is used in one file of each end only: see decisions/001.",
};

/** What nobody may import, tests included: they compare only with the generated code of the contract. */
const insides: Pattern = {
  group: [
    "@servehttp/*/src/**",
    "@servehttp/*/dist/**",
    "../**/src/**",
    "../**/dist/**",
    "!../../../contract/src/gen/**",
  ],
  message: "A package is imported by its name: its exports are all there is to import.",
};

/** The packages of ours that a package may import, its tests aside. */
function onlyOurs(names: readonly string[], message: string): Pattern {
  return { group: ["@servehttp/**", ...names.map((name) => `!@servehttp/${name}`)], message };
}

/** What a package may not import, its tests aside. */
const outside: Readonly<Record<string, readonly Pattern[]>> = {
  admin: [
    noConnect,
    onlyOurs(
      ["host-bridge", "host-bridge/**"],
      "The admin looks at a host by its public API, as any user of it may.",
    ),
  ],
  "admin/dashboard": [
    noNode,
    onlyOurs(["admin"], "The dashboard runs in a browser and knows of the API alone."),
  ],
  carrier: [
    noConnect,
    onlyOurs(["contract"], "The carrier frames gRPC itself and knows of neither end."),
  ],
  cli: [
    noConnect,
    onlyOurs(
      ["admin", "admin/**", "host-bridge", "host-bridge/**", "kubernetes"],
      "The command runs a host; it has nothing that a library user lacks.",
    ),
  ],
  contract: [
    noNode,
    { group: ["@connectrpc/**"], message: "The contract knows of no transport." },
    onlyOurs([], "The contract knows of neither end."),
  ],
  "host-bridge": [
    noConnect,
    onlyOurs(
      ["contract", "contract/services", "carrier"],
      "Host and plugin know each other by the contract alone.",
    ),
  ],
  kubernetes: [
    noConnect,
    onlyOurs(["host-bridge"], "It is a discover of a host, as anybody may write one."),
  ],
  "plugin-sdk": [
    noConnect,
    onlyOurs(
      ["contract", "contract/services", "carrier"],
      "Host and plugin know each other by the contract alone.",
    ),
  ],
};

function restrict(files: string, patterns: readonly Pattern[]) {
  return {
    files: [files],
    excludeFiles: ["**/*.test.ts", "**/*.browser-test.ts", "**/test-rig/**"],
    rules: {
      "no-restricted-imports": ["error", { patterns: [insides, ...patterns] }] as const,
    },
  };
}

/** The rules of a package. Of the overrides that fit a file the last counts, so each says everything. */
function packageRules(name: string) {
  const source = `packages/${name}/src`;
  const ofPackage = outside[name] ?? [];
  const unknownRoom: Pattern = {
    group: ["../**", "./../**"],
    message: `oxlint.config.ts does not say what this folder of ${name} may import.`,
  };
  const connectFile = connectFiles[name];
  return [
    restrict(`${source}/**`, [...ofPackage, unknownRoom]),
    ...Object.entries(rooms[name] ?? {}).flatMap(([room, below]) => {
      const allowed = ["limits.js", ...below.map((one) => `${one}/*`)];
      const ofRoom: readonly Pattern[] = [
        {
          group: ["../**", "./../**", ...allowed.map((one) => `!../${one}`)],
          message: `The room ${room} may import ${below.join(", ") || "no other room"}.`,
        },
        ...(pureRooms.includes(`${name}/${room}`) ? [noNode] : []),
      ];
      const all = restrict(`${source}/${room}/**`, [...ofPackage, ...ofRoom]);
      const others = ofPackage.filter((one) => one !== noConnect);
      return connectFile?.startsWith(`${room}/`)
        ? [all, restrict(`${source}/${connectFile}`, [...others, ...ofRoom])]
        : [all];
    }),
  ];
}

export default defineConfig({
  plugins: ["typescript", "unicorn", "oxc", "import", "promise", "node", "vitest"],
  categories: {
    correctness: "error",
    suspicious: "error",
  },
  rules: {
    eqeqeq: "error",
    "max-lines": ["error", { max: 420, skipBlankLines: true, skipComments: true }],
    "no-console": "error",
    "no-restricted-imports": ["error", { patterns: [insides] }],
    "no-underscore-dangle": "off",
    "no-unmodified-loop-condition": "off",
    // By default imports of types alone are let through.
    "import/no-cycle": ["error", { ignoreTypes: false }],
    "import/no-default-export": "error",
    "import/no-named-as-default-member": "off",
    "promise/always-return": "off",
    "typescript/consistent-return": "off",
    "typescript/consistent-type-imports": "error",
    "typescript/no-explicit-any": "error",
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": "error",
    "typescript/no-non-null-assertion": "error",
    "typescript/no-unsafe-type-assertion": "off",
    "typescript/switch-exhaustiveness-check": [
      "error",
      { considerDefaultExhaustiveForUnions: true },
    ],
    "unicorn/prefer-node-protocol": "error",
    "vitest/expect-expect": ["error", { assertFunctionNames: ["expect", "leavesNothing"] }],
  },
  overrides: [
    {
      files: ["**/*.test.ts"],
      rules: {
        "typescript/no-non-null-assertion": "off",
        "unicorn/consistent-function-scoping": "off",
      },
    },
    {
      files: [
        "**/*.test.ts",
        "packages/conformance/**",
        "apps/**",
        "interop/**",
        "docs/**",
        ".ci/**",
      ],
      rules: {
        "max-lines": "off",
        "no-console": "off",
      },
    },
    {
      // They show what their readers would write.
      files: ["examples/**", "packages/cli/templates/**"],
      rules: {
        "import/no-default-export": "off",
        "import/no-unassigned-import": "off",
        "no-console": "off",
        "oxc/no-async-endpoint-handlers": "off",
        "typescript/no-base-to-string": "off",
        "typescript/no-extraneous-class": "off",
        "typescript/no-floating-promises": "off",
        "typescript/no-misused-promises": "off",
      },
    },
    {
      files: ["*.config.ts", "**/*.config.{js,ts}", "docs/.vitepress/config.ts"],
      rules: {
        "import/no-default-export": "off",
      },
    },
    ...Object.keys(rooms).flatMap(packageRules),
  ],
  ignorePatterns: ["**/dist/**", "packages/contract/src/gen/**"],
});
