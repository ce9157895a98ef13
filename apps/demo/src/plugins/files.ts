// A store of files: uploads of any size, streamed to the directory that the first argument names.
import { servePlugin } from "@servehttp/plugin-sdk";
import { FileStore } from "./file-store.js";
import { filesHandler } from "./files-handler.js";
import { UploadLedger } from "./upload-ledger.js";

const directory = process.argv[2];
if (directory === undefined) {
  throw new Error("files: the first argument names the directory to keep uploads in");
}
const store = await FileStore.open(directory);
await servePlugin({ serveHTTP: filesHandler(store, new UploadLedger(Date.now)) });
