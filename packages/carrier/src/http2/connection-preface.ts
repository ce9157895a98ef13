import { headerBlockBytesMax } from "./header-sections.js";
import { encodeFields, type HeaderFields } from "./hpack.js";
import {
  frame,
  frameFlag,
  frameType,
  preface,
  rpcStreamId,
  settingId,
  settingsFrame,
} from "./frames.js";
import { RpcWindow, rpcWindowBytes } from "./flow-window.js";

/** The longest DATA frame that is taken: a batch of mux, which is at most 1 MiB, as one. */
export const dataFrameBytesMax = 1_114_112;

type Setting = readonly [number, number];

/** What both ends say of themselves. */
const settings: readonly Setting[] = [
  [settingId.headerTableSize, 0],
  [settingId.initialWindowSize, rpcWindowBytes],
  [settingId.maxFrameSize, dataFrameBytesMax],
  [settingId.maxHeaderListSize, headerBlockBytesMax],
];

/** What a host's connection begins with: `fields` are those of its request, the pseudo-header fields first. */
export function hostGreeting(fields: HeaderFields): Buffer {
  return Buffer.concat([preface, greeting([settingId.enablePush, 0], fields)]);
}

/** What a plugin's begins with: `fields` are those of the response. */
export function pluginGreeting(fields: HeaderFields): Buffer {
  return greeting([settingId.maxConcurrentStreams, 1], fields);
}

function greeting(ownSetting: Setting, fields: HeaderFields): Buffer {
  return Buffer.concat([
    settingsFrame([...settings, ownSetting]),
    RpcWindow.opening(),
    frame(frameType.headers, frameFlag.endHeaders, rpcStreamId, encodeFields(fields)),
  ]);
}
