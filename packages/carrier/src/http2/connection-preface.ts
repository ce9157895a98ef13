import { headerBlockBytesMax } from "./header-sections.js";
import type { HeaderFields } from "../wire/header-fields.js";
import { encodeFields } from "./hpack.js";
import {
  frame,
  frameFlag,
  frameType,
  preface,
  rpcStreamId,
  settingId,
  settingsFrame,
} from "./frames.js";
import { FlowWindow, rpcWindowBytes } from "./flow-window.js";

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

/**
 * What a host's connection begins with: `fields` are those of its request, the pseudo-header fields
 * first.
 */
export function hostPreface(fields: HeaderFields): Buffer {
  return Buffer.concat([preface, prefaceOf([settingId.enablePush, 0], fields)]);
}

/** What a plugin's begins with: `fields` are those of the response. */
export function pluginPreface(fields: HeaderFields): Buffer {
  return prefaceOf([settingId.maxConcurrentStreams, 1], fields);
}

function prefaceOf(ownSetting: Setting, fields: HeaderFields): Buffer {
  return Buffer.concat([
    settingsFrame([...settings, ownSetting]),
    FlowWindow.opening(),
    frame(frameType.headers, frameFlag.endHeaders, rpcStreamId, encodeFields(fields)),
  ]);
}
