import { addressesGets } from "./addresses.js";
import type { BenchCase } from "./bench-case.js";
import { besideBulk } from "./beside-bulk.js";
import { bulkDown, bulkUp } from "./bulk.js";
import { events } from "./events.js";
import { firstByte } from "./first-byte.js";
import { goPlugin } from "./go-plugin.js";
import { heldStreams } from "./held-streams.js";
import { observedGets } from "./observed.js";
import { pythonPlugin } from "./python-plugin.js";
import { jsonEchoes, smallGets } from "./requests.js";
import { tunnels } from "./tunnel.js";
import { workersGets } from "./workers.js";

/** Every case, in the order of the tables. */
export const allCases: readonly BenchCase[] = [
  ...smallGets,
  ...jsonEchoes,
  bulkUp,
  bulkDown,
  events,
  firstByte,
  besideBulk,
  ...heldStreams,
  ...tunnels,
  ...goPlugin,
  pythonPlugin,
  observedGets,
  workersGets,
  addressesGets,
];
