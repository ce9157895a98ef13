import { resolve } from "node:path";
import { type HostOptions, ServeHTTPError } from "@servehttp/host-bridge";
import type { Identity } from "@servehttp/host-bridge/identity";
import { didYouMean } from "@servehttp/host-bridge/options";
import { saidWrong } from "../context/command-error.js";
import type { Config } from "./config.js";

const names = ["jwt", "basic", "forward", "proxy"] as const;
type Name = (typeof names)[number];

/**
 * Makes the function of a ready-made identity. A function is one already.
 *
 * @param directory relative paths are relative to it
 * @throws CommandError for one that there is not, and for its options
 */
export async function readIdentity(
  given: NonNullable<Config["identity"]>,
  directory: string,
): Promise<NonNullable<HostOptions["identity"]>> {
  if (typeof given === "function") {
    return given;
  }
  const [[name, options] = ["", undefined], ...more] = Object.entries(given ?? {});
  if (!isName(name) || more.length > 0) {
    const near = more.length > 0 ? "" : didYouMean(name, names);
    throw saidWrong(
      `identity: allowed is a function, or an object with one of ${names.join(", ")}${near}`,
    );
  }
  return await madeIdentity(name, options, directory);
}

function isName(name: string): name is Name {
  return names.some((one) => one === name);
}

/** The last one, so that a config that is read again and says the same keeps what it remembers. */
let made: { readonly key: string; readonly identity: Identity } | undefined;

async function madeIdentity(name: Name, options: unknown, directory: string): Promise<Identity> {
  const key = JSON.stringify([name, options, directory]);
  if (made?.key !== key) {
    made = { key, identity: await makeIdentity(name, options, directory) };
  }
  return made.identity;
}

async function makeIdentity(name: Name, options: unknown, directory: string): Promise<Identity> {
  // Only those who need one load them.
  const { basicIdentity, forwardAuth, jwtIdentity, proxyIdentity } =
    await import("@servehttp/host-bridge/identity");
  try {
    switch (name) {
      case "jwt":
        return jwtIdentity(options as Parameters<typeof jwtIdentity>[0]);
      case "basic":
        return basicIdentity(withPath(options, directory) as Parameters<typeof basicIdentity>[0]);
      case "forward":
        return forwardAuth(options as Parameters<typeof forwardAuth>[0]);
      case "proxy":
        return proxyIdentity(options as Parameters<typeof proxyIdentity>[0]);
    }
  } catch (thrown) {
    if (thrown instanceof ServeHTTPError && thrown.code === "invalid-argument") {
      const what = thrown.message.replace(/^(?:\w+Identity|forwardAuth)\b/, `identity.${name}`);
      throw saidWrong(what, thrown);
    }
    throw thrown;
  }
}

function withPath(options: unknown, directory: string): unknown {
  const { htpasswd } = (options ?? {}) as { readonly htpasswd?: unknown };
  return typeof htpasswd === "string"
    ? { ...(options as object), htpasswd: resolve(directory, htpasswd) }
    : options;
}
