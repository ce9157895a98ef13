// Writes the API reference into docs/reference, from the docstrings of what the packages export. It
// is not checked in: the site's build makes it anew.
import { rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Application } from "typedoc";

const out = fileURLToPath(new URL("reference/", import.meta.url));

const references = {
  cli: { title: "servehttp", entryPoints: ["index.d.ts"] },
  "host-bridge": {
    title: "@servehttp/host-bridge",
    entryPoints: ["index.d.ts", "identity/index.d.ts", "watch/index.d.ts"],
  },
  admin: { title: "@servehttp/admin", entryPoints: ["index.d.ts"] },
  kubernetes: { title: "@servehttp/kubernetes", entryPoints: ["index.d.ts"] },
  "plugin-sdk": {
    title: "@servehttp/plugin-sdk",
    entryPoints: ["index.d.ts", "testing/testing.d.ts"],
  },
};

rmSync(out, { recursive: true, force: true });
for (const [name, { title, entryPoints }] of Object.entries(references)) {
  const dist = fileURLToPath(new URL(`../packages/${name}/dist/`, import.meta.url));
  const app = await Application.bootstrapWithPlugins({
    name: title,
    entryPoints: entryPoints.map((path) => `${dist}${path}`),
    tsconfig: fileURLToPath(new URL("reference.tsconfig.json", import.meta.url)),
    // The build has checked them.
    skipErrorChecking: true,
    plugin: ["typedoc-plugin-markdown"],
    outputs: [{ name: "markdown", path: `${out}${name}` }],
    readme: "none",
    entryFileName: "overview",
    router: "module",
    hideBreadcrumbs: true,
    hidePageHeader: true,
    disableSources: true,
    excludeInternal: true,
    excludePrivate: true,
    excludeExternals: true,
    logLevel: "Warn",
    treatWarningsAsErrors: true,
  });
  const project = await app.convert();
  if (project === undefined) {
    process.exit(1);
  }
  await app.generateOutputs(project);
  if (app.logger.hasErrors() || app.logger.hasWarnings()) {
    process.exit(1);
  }
}

writeFileSync(
  `${out}index.md`,
  `# API reference

Written from the docstrings.

- [servehttp](cli/overview.md): what a config imports
- [@servehttp/host-bridge](host-bridge/overview.md): what a host imports, \`@servehttp/host-bridge/identity\` and \`@servehttp/host-bridge/watch\`
- [@servehttp/admin](admin/overview.md): what a host imports to be seen and managed while it runs
- [@servehttp/kubernetes](kubernetes/overview.md): what a host imports whose plugins are pods
- [@servehttp/plugin-sdk](plugin-sdk/overview.md): what a plugin imports, and \`@servehttp/plugin-sdk/testing\`
`,
);
