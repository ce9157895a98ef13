import { z } from "zod";
import { didYouMean } from "./did-you-mean.js";

/**
 * The kinds of values that options have. The message of each issue says what is allowed;
 * `optionError` makes the rest of the error's line from it.
 */

/**
 * What may be given for options with these schemas: each may be left out, but for those that are
 * needed.
 */
export type Given<Keys extends z.ZodRawShape, Needed extends keyof Keys = never> = Optional<
  Keys,
  Exclude<keyof Keys, Needed>
> & { readonly [Name in Needed]: z.input<Keys[Name]> };

/**
 * A mapped type over names of `Keys`, as `Pick` is one: editors show the keys' documentation on it.
 */
type Optional<Keys extends z.ZodRawShape, Names extends keyof Keys> = {
  readonly [Name in Names]?: z.input<Keys[Name]>;
};

/** What is read from them: every default is filled in. */
export type Read<Keys extends z.ZodRawShape> = {
  readonly [Name in keyof Keys]: z.output<Keys[Name]>;
};

/** An object with these options and no others. */
export function shape<Keys extends z.ZodRawShape>(keys: Keys): z.ZodType<Read<Keys>, Given<Keys>> {
  const names = Object.keys(keys);
  const schema: z.ZodType = z.strictObject(keys, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `no such option${didYouMean(issue.keys[0] ?? "", names)}; allowed are ${names.join(", ")}`
        : `an object with some of ${names.join(", ")}`,
  });
  return schema as z.ZodType<Read<Keys>, Given<Keys>>;
}

/**
 * Any value that passes a check.
 *
 * @param json what JSON Schema says of it. Default: no JSON can be this value
 */
export const value = <Value>(
  allowed: string,
  check: (given: unknown) => boolean,
  json: Readonly<Record<string, unknown>> = { not: {} },
) => z.custom<Value>(check, allowed).meta({ ...json });

export const text = (allowed: string, check: (given: string) => boolean) =>
  value<string>(allowed, (given) => typeof given === "string" && check(given), { type: "string" });

/** A whole number within bounds, which are allowed themselves. */
export const whole = (min: number, max: number) =>
  value<number>(
    `a whole number from ${min} to ${max}`,
    (given) => Number.isInteger(given) && (given as number) >= min && (given as number) <= max,
    { type: "integer", minimum: min, maximum: max },
  );

export const callback = <Callback>() =>
  value<Callback>("a function", (given) => typeof given === "function");

export const oneOf = <const Value extends string>(...values: readonly Value[]) =>
  z.enum(values, `one of ${values.map((one) => JSON.stringify(one)).join(", ")}`);

export const listOf = <Item extends z.ZodType>(item: Item, allowed: string) =>
  z.array(item, allowed).readonly();
