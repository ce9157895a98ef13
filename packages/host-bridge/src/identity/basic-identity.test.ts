import { renameSync, rmSync, writeFileSync } from "node:fs";
import { TemporaryDirectory } from "@servehttp/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodeRequest, told } from "../test-rig/node-request.js";
import { PasswordChecks } from "./password-checks.js";
import { basicIdentity, type BasicIdentityOptions } from "./basic-identity.js";

/** As `htpasswd -nb` of Apache 2.4 has written them. */
const lines = `# the users of the tests
ann:$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW

bob:$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/
eve:{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=
`;

let directory: TemporaryDirectory;
let htpasswd: string;
beforeEach(async () => {
  directory = await TemporaryDirectory.make();
  htpasswd = directory.at("users");
  writeFileSync(htpasswd, lines);
});
afterEach(() => directory[Symbol.asyncDispose]());

async function ask(identity: ReturnType<typeof basicIdentity>, credentials?: string) {
  const value = `Basic ${Buffer.from(credentials ?? "").toString("base64")}`;
  const fields = credentials === undefined ? [] : [["Authorization", value] as const];
  return await told(await identity(nodeRequest(fields)));
}

const wrong = '401 | Basic realm="servehttp", charset="UTF-8" | The name or the password is wrong.';

describe("basicIdentity", () => {
  it("knows bcrypt, Apache's MD5 and SHA-1", async () => {
    const identity = basicIdentity({ htpasswd });
    expect(await ask(identity, "ann:U*U")).toEqual({ "x-user-id": "ann" });
    expect(await ask(identity, "bob:myPassword")).toEqual({ "x-user-id": "bob" });
    expect(await ask(identity, "eve:myPassword")).toEqual({ "x-user-id": "eve" });
    // The second time it is known.
    expect(await ask(identity, "ann:U*U")).toEqual({ "x-user-id": "ann" });
    for (const one of ["ann:myPassword", "bob:U*U", "eve:", "nobody:U*U", "ann:U*U "]) {
      expect(await ask(identity, one)).toBe(wrong);
    }
  });

  it("asks for a name and a password, or lets clients without in as nobody", async () => {
    const identity = basicIdentity({ htpasswd, realm: "Notes of 2026" });
    const needed =
      '401 | Basic realm="Notes of 2026", charset="UTF-8" | A name and a password are needed.';
    expect(await ask(identity)).toBe(needed);
    expect(await ask(identity, "no colon")).toBe(needed);
    const bearer = nodeRequest([["Authorization", "Bearer abc"]]);
    expect(await told(await identity(bearer))).toBe(needed);
    const open = basicIdentity({ htpasswd, anonymous: "allow", header: "x-user" });
    expect(await ask(open)).toEqual({ "x-user": undefined });
    expect(await ask(open, "ann:wrong")).toBe(wrong);
  });

  it("takes the file as it is now, also one that another program has put in its place", async () => {
    const identity = basicIdentity({ htpasswd });
    expect(await ask(identity, "eve:myPassword")).toEqual({ "x-user-id": "eve" });
    writeFileSync(directory.at("new"), lines.replace("eve:", "zoë:"));
    renameSync(directory.at("new"), htpasswd);
    expect(await ask(identity, "eve:myPassword")).toBe(wrong);
    expect(await ask(identity, "zoë:myPassword")).toEqual({ "x-user-id": "zoÃ«" });
    writeFileSync(htpasswd, "");
    expect(await ask(identity, "zoë:myPassword")).toBe(wrong);
  });

  it("lets nobody in while the file is gone or can't be understood", async () => {
    const identity = basicIdentity({ htpasswd, anonymous: "allow" });
    expect(await ask(identity, "eve:myPassword")).toEqual({ "x-user-id": "eve" });
    rmSync(htpasswd);
    await expect(ask(identity, "eve:myPassword")).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(`basicIdentity: htpasswd ${htpasswd}: ENOENT`),
    });
    await expect(ask(identity)).rejects.toMatchObject({ code: "unavailable" });
    writeFileSync(htpasswd, `${lines}zoë:secret\n`);
    await expect(ask(identity, "eve:myPassword")).rejects.toMatchObject({
      message: `basicIdentity: htpasswd ${htpasswd}: line 6: the hash of "zoë" is of no known kind; make it anew: htpasswd -B FILE USER`,
    });
    writeFileSync(htpasswd, lines);
    expect(await ask(identity, "eve:myPassword")).toEqual({ "x-user-id": "eve" });
  });

  it("bounds how many passwords wait, and goes on behind a flood", async () => {
    const checks = new PasswordChecks();
    const [, hash = ""] = /ann:(.*)/.exec(lines) ?? [];
    const flood = Array.from({ length: 80 }, (_, index) => checks.matches(`${index}`, hash));
    const answers = await Promise.all(flood);
    expect(answers).toEqual([
      ...Array.from({ length: 64 }, () => false),
      ...Array.from({ length: 16 }, () => undefined),
    ]);
    expect(await checks.matches("U*U", hash)).toBe(true);
  });

  it("says what is wrong with its options and with the file", () => {
    const made = (options: unknown) => () => basicIdentity(options as BasicIdentityOptions);
    expect(made({})).toThrow("basicIdentity.htpasswd: got undefined, allowed is a file's path");
    expect(made({ htpasswd, realm: 'a"b' })).toThrow("basicIdentity.realm");
    expect(made({ htpasswd: directory.at("none") })).toThrow(
      `basicIdentity: htpasswd ${directory.at("none")}: ENOENT`,
    );
    const problem = (text: string) => {
      writeFileSync(htpasswd, text);
      return made({ htpasswd });
    };
    expect(problem("ann\n")).toThrow(": line 1 is no user:hash");
    expect(problem(":$apr1$x$y\n")).toThrow(": line 1 is no user:hash");
    expect(problem(`${lines}bob:{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=\n`)).toThrow(
      ': line 6: "bob" is there twice',
    );
    // crypt, SHA-512-crypt, and a password as it is.
    for (const hash of ["rqXexS6ZhobKA", "$6$salt$abc", "secret"]) {
      expect(problem(`ann:${hash}\n`)).toThrow('line 1: the hash of "ann" is of no known kind');
    }
  });
});
