import { socketIoFeatures } from "./features/socket-io-features.js";
import { runFeatures } from "./run-features.js";

runFeatures("socket.io", socketIoFeatures);
