import { isToken } from "@servehttp/contract";
import { z } from "zod";
import { type Given, oneOf, type Read, shape, text, value, whole } from "../edge/option-kinds.js";
import { timerMsMax } from "../limits.js";

/** Which instance of a plugin gets the next exchange, where it has several. */

const percent = whole(0, 100);
const milliseconds = whole(0, timerMsMax);
/** An interval of at least this. */
const someMilliseconds = whole(1, timerMsMax);
const count = whole(1, 1_000_000);

/** What browsers keep a cookie at most: 400 days. */
const cookieSecondsMax = 34_560_000;

const affinityKeys = {
  /**
   * The name of a cookie. The host sets it itself with a first response: it names the instance, and
   * all requests that bring it go there, as long as the instance is ready and not ejected. For
   * socket.io, and whatever else keeps sessions in memory. Attributes: `HttpOnly`, `Path` of the
   * plugin's base path, `Secure` where the client came by https.
   */
  cookie: text("a cookie's name", isToken).optional(),
  /**
   * The name of a request's header, such as `"x-user-id"`. Requests with the same value go to the same
   * instance; those without it go anywhere.
   */
  header: text("a header's name", isToken).optional(),
  /**
   * `"host"`: as `cookie` says. `"plugin"`: the cookie is the application's own; the host sets none,
   * and requests with the same value go to the same instance. Default: `"host"`.
   */
  cookieSetBy: oneOf("host", "plugin").default("host"),
  /**
   * How long browsers keep the host's cookie, in seconds, up to 400 days; 0: until they are closed.
   * Default: 0.
   */
  cookieTtlSeconds: whole(0, cookieSecondsMax).default(0),
  /** `SameSite` of the host's cookie; `"none"` is for pages of other sites, by https. Default: `"lax"`. */
  cookieSameSite: oneOf("lax", "strict", "none").default("lax"),
  /**
   * For `header`, and cookies of the plugin's: an instance that has more exchanges than so many
   * percent of the mean, and 16 at least, gets no more by its keys until it has fewer; they go to the
   * next one meanwhile. 100 or more; 0: no bound. Envoy's `hash_balance_factor`. Default: 150.
   */
  hashBalanceFactor: value<number>(
    "0, or a whole number from 100 to 1000000",
    (given) =>
      Number.isInteger(given) &&
      (given === 0 || ((given as number) >= 100 && (given as number) <= 1_000_000)),
    { type: "integer", minimum: 0, maximum: 1_000_000 },
  ).default(150),
};

/** What binds requests to an instance: exactly one of `cookie` and `header`. */
export interface AffinityOptions extends Given<typeof affinityKeys> {}

const oneKey = "an object with exactly one of cookie and header";

export const affinitySchema: z.ZodType<Read<typeof affinityKeys>, AffinityOptions> = shape(
  affinityKeys,
).refine(({ cookie, header }) => (cookie === undefined) !== (header === undefined), {
  error: oneKey,
});

const slowStartKeys = {
  /** For so long, in milliseconds, an instance that has become ready gets less; 0: not. Default: 0. */
  windowMs: milliseconds.default(0),
  /** 1: it gets evenly more and more; above: fast at first; 0.1 to 10. Default: 1. */
  aggression: value<number>(
    "a number from 0.1 to 10",
    (given) => typeof given === "number" && given >= 0.1 && given <= 10,
    { type: "number", minimum: 0.1, maximum: 10 },
  ).default(1),
  /** What it gets at least, in percent of its share, 1 to 100. Default: 10. */
  minWeightPercent: whole(1, 100).default(10),
};

/** How fresh instances are spared: Envoy's `slow_start_config`. */
export interface SlowStartOptions extends Given<typeof slowStartKeys> {}

export const slowStartSchema: z.ZodType<Read<typeof slowStartKeys>, SlowStartOptions> = shape(
  slowStartKeys,
);

const outlierKeys = {
  /** So many failures without a success between them eject an instance. Default: 5. */
  consecutive5xx: count.default(5),
  /** In so many percent of the cases; 0: never. Default: 100. */
  enforcingConsecutive5xx: percent.default(100),
  /**
   * The same for 502, 503, 504, broken connections and missing answers alone. Default: 5.
   */
  consecutiveGatewayFailure: count.default(5),
  /** In so many percent of the cases. Default: 0. */
  enforcingConsecutiveGatewayFailure: percent.default(0),
  /**
   * True: broken connections and missing answers are counted for themselves, and not as 5xx.
   * Default: false.
   */
  splitExternalLocalOriginErrors: z.boolean("true or false").default(false),
  /** With that, so many of them without a success between them eject an instance. Default: 5. */
  consecutiveLocalOriginFailure: count.default(5),
  /** In so many percent of the cases. Default: 100. */
  enforcingConsecutiveLocalOriginFailure: percent.default(100),
  /** How long success rates are measured, in milliseconds. Default: 10,000. */
  intervalMs: someMilliseconds.default(10_000),
  /**
   * How long an instance is out, in milliseconds, times how often it was lately. Then it gets one
   * exchange, and is back where that succeeds. Default: 30,000.
   */
  baseEjectionTimeMs: someMilliseconds.default(30_000),
  /** At most so long, in milliseconds; never less than `baseEjectionTimeMs`. Default: 300,000. */
  maxEjectionTimeMs: someMilliseconds.default(300_000),
  /** So many percent of the instances are out at the most. Default: 10. */
  maxEjectionPercent: percent.default(10),
  /** One may be out, whatever share it is, where there are two or more. Default: true. */
  alwaysEjectOneHost: z.boolean("true or false").default(true),
  /**
   * An instance that succeeds far less often than the others in an interval is ejected, in so many
   * percent of the cases. Default: 100.
   */
  enforcingSuccessRate: percent.default(100),
  /** For which so many instances at least have enough exchanges. Default: 5. */
  successRateMinimumHosts: count.default(5),
  /** So many in an interval are enough. Default: 100. */
  successRateRequestVolume: count.default(100),
  /**
   * How far below the mean rate is too far: in thousandths of the standard deviation. Default: 1,900.
   */
  successRateStdevFactor: whole(0, 1_000_000).default(1_900),
};

/**
 * When an instance that fails gets nothing for a while: the terms and defaults of Envoy's
 * `outlier_detection`, but for `alwaysEjectOneHost`. A failure is a response with 5xx, a connection
 * that breaks, and a head that does not come in time. It is none where the client leaves.
 */
export interface OutlierOptions extends Given<typeof outlierKeys> {}

export const outlierSchema: z.ZodType<Read<typeof outlierKeys>, OutlierOptions> = shape(
  outlierKeys,
);

const balanceKeys = {
  /** What keeps a client at the same instance. Default: nothing does. */
  affinity: affinitySchema.optional(),
  /** How instances are spared that have just become ready. Default: they aren't. */
  slowStart: slowStartSchema.prefault({}),
  /**
   * When an instance that fails gets nothing for a while; false: never. Default: after five failures
   * in a row, and what else the options below say.
   */
  outliers: z
    .union([z.literal(false), outlierSchema], {
      error: "false, or an object of options",
    })
    .prefault({}),
  /**
   * While less than so many percent of the instances is ready and not ejected, ejections don't count.
   * Envoy's `healthy_panic_threshold`. Default: 50.
   */
  healthyPanicThresholdPercent: percent.default(50),
};

/**
 * Which instance of a plugin gets the next exchange, where there are several. Two are drawn at random,
 * by their weights, and the one with fewer exchanges gets it; where one surely takes three times longer
 * to answer than the other, that decides.
 */
export interface BalanceOptions extends Given<typeof balanceKeys> {}

/** The same, with every default filled in. */
export interface Balancing extends Read<typeof balanceKeys> {}

export const balanceSchema: z.ZodType<Balancing, BalanceOptions> = shape(balanceKeys);
