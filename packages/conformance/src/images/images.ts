import { execFile } from "node:child_process";
import { cpSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { TemporaryDirectory } from "@servehttp/testkit";
import { packPackages } from "../examples/packed-packages.js";
import { shippedConfig } from "../rollouts/shipped-pods.js";
import { Container, putFile, putProgram } from "./container.js";

/**
 * Runs what the Dockerfiles in `deploy/docker` run, without their base images: each in a root of its own
 * that has the program, its libraries and the application, as process 1 and read-only, by the entry
 * point, the user and the variables of its last stage. A host with the config of the manifests is asked
 * for a page of each plugin, and SIGTERM has to end all of them with exit code 0. Needs root.
 */

const run = promisify(execFile);
const repository = fileURLToPath(new URL("../../../../", import.meta.url));
const templates = join(repository, "packages/cli/templates");

await using directory = await TemporaryDirectory.make();
await using ends = new AsyncDisposableStack();
const log = openSync(directory.at("log"), "a");
mkdirSync(directory.at("packed"));
const packed = await packPackages(directory.at("packed"));
const packedFor = (...names: readonly string[]): readonly string[] =>
  packed.filter((path) => names.some((name) => path.includes(`/servehttp-${name}-`)));

/** What is in each plugin's image. */
const builds: Readonly<Record<string, (root: string) => Promise<readonly string[]>>> = {
  async node(root) {
    putProgram(root, process.execPath, "/nodejs/bin/node");
    fillTemplate("js", `${root}/app`);
    await install(`${root}/app`, packedFor("contract", "carrier", "plugin-sdk"));
    return [];
  },
  async python(root) {
    fillTemplate("python", `${root}/app`);
    const python = `${root}/app/.venv/bin/python`;
    await run("/usr/bin/python3", ["-m", "venv", `${root}/app/.venv`]);
    await run(python, ["-m", "pip", "install", "--quiet", join(repository, "sdks/python")]);
    // The interpreter is that of the system.
    return ["/usr", "/lib", "/lib64"];
  },
  async go(root) {
    const source = `${root}-source`;
    fillTemplate("go", source);
    const module = /"(\S+\/sdks\/go)\//.exec(readFileSync(`${source}/main.go`, "utf8"))?.[1] ?? "";
    const options = { cwd: source, env: { ...process.env, CGO_ENABLED: "0" } };
    await run("go", ["mod", "edit", "-replace", `${module}=${repository}sdks/go`], options);
    await run("go", ["mod", "tidy"], options);
    mkdirSync(root, { recursive: true });
    await run("go", ["build", "-trimpath", "-ldflags=-s", "-o", `${root}/plugin`, "."], options);
    return [];
  },
};

const containers = new Map<string, Container>();
const ports = new Map(Object.keys(builds).map((name, at) => [name, 50_061 + at]));
for (const [name, port] of ports) {
  const root = directory.at(`plugin-${name}`);
  const shared = (await builds[name]?.(root)) ?? [];
  putFile(root, "/etc/passwd", "nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n");
  const environment = { SERVEHTTP_ADDRESS: `127.0.0.1:${port}` };
  const container = new Container(`plugin-${name}`, { root, environment, shared, log });
  containers.set(`plugin-${name}`, ends.use(container));
}

const host = directory.at("host");
putProgram(host, process.execPath, "/nodejs/bin/node");
putFile(host, "/app/package.json", "{}");
putFile(host, "/etc/passwd", "nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n");
await install(`${host}/app`, packed);
putFile(host, "/etc/servehttp/admin/token", "the-token-of-the-images");
const plugins = [...ports].map(([name, port]) => [name, { url: `http://127.0.0.1:${port}` }]);
const config = {
  ...shippedConfig(),
  listen: "127.0.0.1:50060",
  admin: { ...(shippedConfig()["admin"] as object), address: "127.0.0.1:50059" },
  lameDuckMs: 500,
  plugins: Object.fromEntries(plugins) as object,
};
putFile(host, "/etc/servehttp/config/servehttp.config.json", JSON.stringify(config));
const args = ["--config", "/etc/servehttp/config/servehttp.config.json"];
containers.set("host", ends.use(new Container("host", { root: host, args, log })));

for (const name of ports.keys()) {
  const text = await page(`http://127.0.0.1:50060/plugins/${name}/`);
  say(`the page of plugin-${name}`, text.includes("<h1>Hello from notes</h1>"), text);
}
say("the host is ready", (await page("http://127.0.0.1:50059/readyz")).includes("ok"), "");
for (const [name, container] of [...containers].toReversed()) {
  const beganMs = performance.now();
  const code = await container.end();
  const tookMs = performance.now() - beganMs;
  say(`${name} ends within ${tookMs.toFixed(0)} ms of SIGTERM`, code === 0, `exit code ${code}`);
}
if (process.exitCode === 1) {
  console.log(readFileSync(directory.at("log"), "utf8").slice(-4_000));
}

function say(what: string, isRight: boolean, found: string): void {
  console.log(isRight ? `ok   ${what}` : `FAIL ${what}: ${found}`);
  process.exitCode = isRight ? (process.exitCode ?? 0) : 1;
}

async function page(url: string): Promise<string> {
  for (const beganMs = performance.now(); ; await delay(100)) {
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok === true || performance.now() - beganMs > 60_000) {
      return (await response?.text()) ?? "nothing answers";
    }
  }
}

/** Makes a plugin named notes of a template of the command. */
function fillTemplate(template: string, into: string): void {
  cpSync(join(templates, template), into, { recursive: true });
  for (const file of readdirSync(into)) {
    const text = readFileSync(join(into, file), "utf8");
    writeFileSync(join(into, file), text.replaceAll("{{name}}", "notes"));
  }
}

/** Installs packed packages, and what they need, as the Dockerfiles do. */
async function install(into: string, tarballs: readonly string[]): Promise<void> {
  const manifest = JSON.parse(readFileSync(`${into}/package.json`, "utf8")) as object;
  const own = { ...manifest, dependencies: {}, devDependencies: {} };
  writeFileSync(`${into}/package.json`, JSON.stringify(own));
  const flags = ["--omit=dev", "--no-audit", "--no-fund", "--prefer-offline"];
  await run("npm", ["install", ...flags, ...tarballs], { cwd: into });
}
