import { readdirSync, readFileSync } from "node:fs";

/** The directories of the packages that are published: those in packages/ that are not private. */
export function publishedPackages() {
  return readdirSync("packages")
    .map((name) => `packages/${name}`)
    .filter((directory) => {
      const { private: isPrivate } = JSON.parse(readFileSync(`${directory}/package.json`, "utf8"));
      return isPrivate !== true;
    });
}
