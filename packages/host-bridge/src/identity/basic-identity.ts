import { type Given, shape, text } from "../edge/option-kinds.js";
import { HtpasswdFile } from "./htpasswd.js";
import { type Identity, nobody, refusal, utf8Value } from "./identity.js";
import { PasswordChecks } from "./password-checks.js";
import { anonymous, headerName, readIdentityOptions } from "./read-identity-options.js";

const basicKeys = {
  /**
   * The path of a file as Apache's `htpasswd` writes it: a line `user:hash` for each user. Hashes
   * are bcrypt (`htpasswd -B`), Apache's MD5 (`-m`) or SHA-1 (`-s`); crypt and plain passwords are
   * refused. A change of the file counts from the next request on.
   */
  htpasswd: text("a file's path", (path) => path !== "" && !path.includes("\0")),
  /** The header field that gets the user's name, in UTF-8. Default: `"x-user-id"`. */
  header: headerName.default("x-user-id"),
  /** What a browser shows above its fields for name and password. Default: `"servehttp"`. */
  realm: text("visible ASCII characters and spaces, without quotes and backslashes", (realm) =>
    /^[ !#-[\]-~]+$/.test(realm),
  ).default("servehttp"),
  /**
   * Clients without a password: `"refuse"` answers 401, `"allow"` lets them in as nobody. A wrong
   * one is refused in either case. Default: `"refuse"`.
   */
  anonymous: anonymous.default("refuse"),
};

/** Options of `basicIdentity`. */
export interface BasicIdentityOptions extends Given<typeof basicKeys, "htpasswd"> {}

export const basicSchema = shape(basicKeys);

/**
 * Makes an `identity` of names and passwords (Basic, RFC 7617) in a file of Apache's `htpasswd`.
 *
 * ```ts
 * const identity = basicIdentity({ htpasswd: "/etc/notes.htpasswd" });
 * const host = createPluginHost({ identity, edge: { strip: { headers: ["authorization"] } }, … });
 * ```
 *
 * A client without a right password is answered 401 with `WWW-Authenticate: Basic`. Passwords are
 * checked in a thread of their own; one that was right is remembered in memory until the host ends,
 * or its hash changes. While the file is gone or can't be understood, requests are answered 503 and
 * the log says why. The password itself goes on to the plugin unless `edge.strip` removes it.
 *
 * @throws ServeHTTPError `invalid-argument` for options that are not allowed, a file that can't be
 *   read, and a line of it that can't be understood
 */
export function basicIdentity(options: BasicIdentityOptions): Identity {
  const settings = readIdentityOptions("basicIdentity", basicSchema, options);
  const { header, realm } = settings;
  const file = new HtpasswdFile(settings.htpasswd);
  const checks = new PasswordChecks();
  const challenge = { "www-authenticate": `Basic realm="${realm}", charset="UTF-8"` };
  return async ({ headers: { authorization } }) => {
    const users = await file.users();
    if (authorization === undefined && settings.anonymous === "allow") {
      return nobody([header]);
    }
    const given = credentials(authorization);
    if (given === undefined) {
      return refusal(401, "A name and a password are needed.", challenge);
    }
    // An unknown user takes as long as a known one, so that nobody learns the users' names.
    const [anyHash] = users.values();
    const hash = users.get(given.user) ?? anyHash;
    const matches = hash === undefined ? false : await checks.matches(given.password, hash);
    if (matches === undefined) {
      return refusal(503, "Too many passwords are being checked.", { "retry-after": "1" });
    }
    return matches && users.has(given.user)
      ? { [header]: utf8Value(given.user) }
      : refusal(401, "The name or the password is wrong.", challenge);
  };
}

/** RFC 7617, section 2: the first colon ends the name. */
function credentials(
  authorization: string | undefined,
): { readonly user: string; readonly password: string } | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/]+=*) *$/i.exec(authorization ?? "") ?? [];
  if (encoded === undefined) {
    return undefined;
  }
  const decoded = Buffer.from(encoded, "base64").toString("utf8");
  const at = decoded.indexOf(":");
  return at < 0 ? undefined : { user: decoded.slice(0, at), password: decoded.slice(at + 1) };
}
