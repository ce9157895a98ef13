/** The bench's plugin at several addresses at once: its arguments. */
import { servePlugin } from "@servehttp/plugin-sdk";

import { serveHTTP } from "./plugin-handler.js";

const [, , ...addresses] = process.argv;
await Promise.all(addresses.map((address) => servePlugin({ serveHTTP }, { address })));
