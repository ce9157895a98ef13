/** Where a client connects to. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** A port alone is one of 127.0.0.1. */
export function serverAddress(server: ServerAddress | number): ServerAddress {
  return typeof server === "number" ? { host: "127.0.0.1", port: server } : server;
}
