import { createHash, timingSafeEqual } from "node:crypto";

/** Whether an RPC comes from the plugin's own host. Always true where the host gave no token. */
export function isTokenValid(authorization: string | null | undefined): boolean {
  const token = process.env["SERVEHTTP_TOKEN"];
  return !token || timingSafeEqual(digest(`Bearer ${token}`), digest(authorization ?? ""));
}

/** Of equal length whatever the text, so that the comparison tells nothing by its time. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
