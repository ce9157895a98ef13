/** The bench's plugin on the plugin SDK. The host that starts it says where it listens. */
import { servePlugin } from "@servehttp/plugin-sdk";

import { serveHTTP } from "./plugin-handler.js";

await servePlugin({ serveHTTP });
