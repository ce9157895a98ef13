import { addressText, type ListenAddress } from "./listen-address.js";
import { type CommandError, failed, saidWrong } from "../context/command-error.js";
import { holderText } from "./address-holder.js";

/** Says why an address can't be listened on, and what to do. */
export function listenError(address: ListenAddress, thrown: unknown): CommandError {
  const { code, message } = thrown as NodeJS.ErrnoException;
  const at = addressText(address);
  switch (code) {
    case "EADDRINUSE": {
      const advice =
        address.kind === "tcp" ? "; port 0 takes one that is free" : "; stop it, or take another";
      return failed(`${at} is in use${holderText(address)}${advice}`, thrown);
    }
    case "EACCES":
      return failed(`${at}: no permission to listen there${privilege(address)}`, thrown);
    case "EADDRNOTAVAIL":
      return saidWrong(`${at}: this machine has no such address`, thrown);
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return saidWrong(`${at}: no such host`, thrown);
    case "ENOENT":
      return saidWrong(`${at}: no such directory`, thrown);
    case "EBADF":
    case "EINVAL":
    case "ENOTSOCK":
    case "ERR_INVALID_FD_TYPE":
      return saidWrong(`${at}: the command was started with no listening socket there`, thrown);
    default:
      return failed(`${at}: ${message}`, thrown);
  }
}

function privilege(address: ListenAddress): string {
  return address.kind === "tcp" && address.port < 1_024
    ? "; ports below 1024 are the system's: use a higher one, or socket activation"
    : "";
}
