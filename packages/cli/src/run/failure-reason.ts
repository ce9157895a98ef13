import type { PluginFailure, PluginOptions } from "@servehttp/host-bridge";
import { missingSdkAdvice } from "../target/missing-sdk-advice.js";

/** Why a plugin with these options failed, in words, without what it said. */
export function failureReason(failure: PluginFailure, options: PluginOptions | undefined): string {
  const command = options !== undefined && "command" in options ? options.command : [];
  const advice = missingSdkAdvice(command, failure);
  return advice === undefined ? failure.message : `${failure.message}; ${advice}`;
}
