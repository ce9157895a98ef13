import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";

/**
 * Where Debian installs servers and the Go distribution installs itself: not on everybody's PATH.
 */
const otherDirectories = ["/usr/sbin", "/usr/local/sbin", "/usr/local/go/bin"];

/** The path of a program, undefined where there is none of that name. */
export async function findOnPath(program: string): Promise<string | undefined> {
  const directories = [...(process.env["PATH"] ?? "").split(delimiter), ...otherDirectories];
  for (const directory of directories) {
    const path = join(directory, program);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) {
      return path;
    }
  }
  return undefined;
}
