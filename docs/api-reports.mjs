// The public API of each package, as one file of declarations that reviewers see change:
// packages/NAME/etc/*.api.md. With --check, fails where one is not what the packages export.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";

const entryPoints = {
  contract: ["index", "services"],
  carrier: ["index"],
  "host-bridge": ["index", "option-schemas", "identity/index", "watch/index"],
  admin: ["index", "command", "traces/index"],
  kubernetes: ["index"],
  cli: ["index"],
  "conformance-kit": ["index", "testing"],
  "plugin-sdk": ["index", "testing/testing"],
};

const isCheck = process.argv.includes("--check");
let isFresh = true;

for (const [name, entries] of Object.entries(entryPoints)) {
  const folder = fileURLToPath(new URL(`../packages/${name}/`, import.meta.url));
  for (const entry of entries) {
    const [room] = entry.split("/");
    const short = entry === "index" ? name : `${name}-${room}`;
    mkdirSync(`${folder}etc`, { recursive: true });
    const config = ExtractorConfig.prepare({
      packageJsonFullPath: `${folder}package.json`,
      configObjectFullPath: undefined,
      configObject: {
        projectFolder: folder,
        mainEntryPointFilePath: `${folder}dist/${entry}.d.ts`,
        compiler: {
          overrideTsconfig: {
            compilerOptions: {
              module: "nodenext",
              target: "es2024",
              strict: true,
              types: ["node"],
              skipLibCheck: true,
            },
            files: [`${folder}dist/${entry}.d.ts`],
          },
        },
        apiReport: {
          enabled: true,
          // The options are inferred from objects that are not exported.
          includeForgottenExports: true,
          reportFileName: `${short}.api.md`,
          reportFolder: `${folder}etc`,
          reportTempFolder: `${folder}dist/etc`,
        },
        docModel: { enabled: false },
        dtsRollup: { enabled: false },
        tsdocMetadata: { enabled: false },
        messages: {
          extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
          tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        },
      },
    });
    const { apiReportChanged } = Extractor.invoke(config, {
      localBuild: !isCheck,
      showVerboseMessages: false,
      messageCallback: (message) => {
        message.handled = message.logLevel !== ExtractorLogLevel.Error;
      },
    });
    if (apiReportChanged) {
      isFresh = false;
      console.log(
        `packages/${name}/etc/${short}.api.md ${isCheck ? "is not what the package exports: npm run api" : "is written anew"}`,
      );
    }
  }
}
process.exit(isCheck && !isFresh ? 1 : 0);
