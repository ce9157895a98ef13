/** Where to listen. */
export type ListenAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string }
  /** A socket that listens already, which this process was started with. */
  | { readonly kind: "fd"; readonly fd: number };

/** The forms of an address, for messages. */
export const listenForms = '"host:port", ":port" for every address, "unix:/path" or "fd:N"';

/**
 * Reads an address to listen on. `:8080` is every address of the machine, `8080` this machine
 * alone. Undefined where it is none of the forms.
 */
export function parseListenAddress(text: string, hostDefault: string): ListenAddress | undefined {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    return path === "" || path.includes("\0") ? undefined : { kind: "unix", path };
  }
  const fd = /^fd:(\d{1,7})$/.exec(text)?.[1];
  if (fd !== undefined) {
    return { kind: "fd", fd: Number(fd) };
  }
  const parts = /^(?:(?:\[([\d:a-f.%\w]+)\]|([\w.*-]*)):)?(\d{1,5})$/i.exec(text);
  const port = Number(parts?.[3]);
  if (parts === null || port > 65_535) {
    return undefined;
  }
  const host = parts[1] ?? parts[2] ?? hostDefault;
  return { kind: "tcp", host: host === "" || host === "*" ? "::" : host, port };
}

/** The address as one would write it, `127.0.0.1:8080` or `unix:/path`. */
export function addressText(address: ListenAddress): string {
  switch (address.kind) {
    case "tcp":
      return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
    case "unix":
      return `unix:${address.path}`;
    case "fd":
      return `fd:${address.fd}`;
  }
}
