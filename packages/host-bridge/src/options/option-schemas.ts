import { bodyChunkBytesMax, comparableName, hopByHopNames, isToken } from "@servehttp/contract";
import { z } from "zod";
import { isProxyRange } from "../edge/trusted-proxies.js";

/**
 * The shapes of the options, for `readHostOptions`. The message of each issue is what is allowed: the rest of the
 * error's line is made of it by `optionError`.
 */

const nodeTimeoutMsMax = 2_147_483_647;

const text = (allowed: string, check: (value: string) => boolean) =>
  z.custom<string>((value) => typeof value === "string" && check(value), allowed);

const whole = (min: number, max: number) =>
  z.custom<number>(
    (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
    `a whole number from ${min} to ${max}`,
  );

const callback = z.custom<(...values: never[]) => unknown>(
  (value) => typeof value === "function",
  "a function",
);

const oneOf = <const Value extends string>(...values: readonly Value[]) =>
  z.enum(values, `one of ${values.map((value) => JSON.stringify(value)).join(", ")}`);

const listOf = <Item extends z.ZodType>(item: Item, allowed: string) => z.array(item, allowed);

/** An object with these keys and no others. */
function shape<Shape extends z.ZodRawShape>(keys: Shape) {
  const names = Object.keys(keys);
  return z.strictObject(keys, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `allowed are ${names.join(", ")}`
        : `an object with some of ${names.join(", ")}`,
  });
}

const limits = shape({
  maxInFlight: whole(1, 1_000_000).optional(),
  maxTunnels: whole(1, 1_000_000).optional(),
}).optional();

const milliseconds = whole(0, nodeTimeoutMsMax).optional();

const timeouts = shape({
  headMs: milliseconds,
  idleMs: milliseconds,
  totalMs: milliseconds,
  startMs: whole(1, nodeTimeoutMsMax).optional(),
  drainMs: milliseconds,
}).optional();

const cookieNames = listOf(text("a cookie's name", isToken), "an array of cookie names").optional();

const headerNames = listOf(
  text(
    "the name of a header that doesn't frame or route",
    (name) =>
      isToken(name) &&
      !hopByHopNames.has(comparableName(name)) &&
      !["host", "content-length", "expect"].includes(comparableName(name)),
  ),
  "an array of header names",
).optional();

const edge = shape({
  strip: shape({
    cookies: cookieNames,
    headers: headerNames,
    queryParameters: listOf(
      text("a parameter's name, not empty", (name) => name !== ""),
      "an array of parameter names",
    ).optional(),
  }).optional(),
  identityHeaders: headerNames,
  forwarded: oneOf("replace", "append", "off").optional(),
  trustedProxies: listOf(
    text('an IP address, or a range such as "10.0.0.0/8"', isProxyRange),
    'an array of addresses and ranges such as "10.0.0.0/8"',
  ).optional(),
  protectedCookies: cookieNames,
  upgrades: listOf(
    text(
      'a protocol in lower case, other than "h2c"',
      (token) => /^[!-+\--~]+$/.test(token) && token === token.toLowerCase() && token !== "h2c",
    ),
    "an array of protocols in lower case",
  ).optional(),
}).optional();

const logger = z.custom(
  (value) =>
    value === false ||
    (typeof value === "object" &&
      value !== null &&
      ["child", "debug", "info", "warn", "error"].every(
        (method) => typeof (value as Record<string, unknown>)[method] === "function",
      )),
  "a pino logger, or false",
);

export const hostSchema = shape({
  plugins: z.record(z.string(), z.unknown(), "an object of plugins by their ids").optional(),
  prefix: text(
    '"/", or a path such as "/plugins": segments of letters, digits, ".", "_", "~" and "-"',
    (prefix) => prefix === "/" || /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+\/?$/.test(prefix),
  ).optional(),
  enabled: z.boolean("true or false").optional(),
  identity: callback.optional(),
  context: callback.optional(),
  edge,
  limits,
  timeouts,
  logger: logger.optional(),
  chunkBytes: whole(1, bodyChunkBytesMax).optional(),
});

const sharedKeys = {
  carrier: oneOf("auto", "mux", "stream").optional(),
  limits,
  timeouts,
};

const noNul = (value: string) => !value.includes("\0");

const pem = z
  .custom(
    (value) => typeof value === "string" || value instanceof Uint8Array,
    "PEM, as a string or bytes",
  )
  .optional();

const pluginUrl = text(
  '"http://host:port", "https://host:port" or "unix:/path", without path, query and credentials',
  isPluginUrl,
);

/** A plugin's shape by the one key that says what kind it is. */
export const pluginSchemas = {
  command: shape({
    command: z
      .array(text("a string without NUL", noNul), "an array of the program and its arguments")
      .refine((command) => command[0] !== undefined && command[0] !== "", {
        error: "an array of the program and its arguments",
      }),
    cwd: text("a directory's path", (path) => path !== "" && noNul(path)).optional(),
    env: z
      .record(
        text("a variable's name", (name) => name !== "" && !name.includes("=") && noNul(name)),
        text("a string without NUL", noNul),
        "an object of strings",
      )
      .optional(),
    instances: whole(1, 64).optional(),
    connect: z.literal("unix", '"unix"; "fd" is not supported yet').optional(),
    ...sharedKeys,
  }),
  url: shape({
    url: z.union([pluginUrl, z.array(pluginUrl).min(1)], {
      error: '"http://host:port", "https://host:port" or "unix:/path", or an array of them',
    }),
    token: text("visible ASCII characters", (token) => /^[!-~]+$/.test(token)).optional(),
    tls: shape({
      ca: pem,
      cert: pem,
      key: pem,
      servername: text("a host name", (name) => name !== "").optional(),
    }).optional(),
    ...sharedKeys,
  }),
  handler: shape({ handler: callback }),
};

function isPluginUrl(url: string): boolean {
  if (url.startsWith("unix:")) {
    return url.startsWith("unix:/") && noNul(url) && url.length > "unix:/".length;
  }
  const parsed = URL.parse(url);
  return (
    parsed !== null &&
    (parsed.protocol === "http:" || parsed.protocol === "https:") &&
    parsed.href === `${parsed.origin}/` &&
    // Not what the parser mends: backslashes, tabs, "?" and "#" without anything behind.
    /^https?:\/\/[^\s\\/?#@]+\/?$/i.test(url)
  );
}
