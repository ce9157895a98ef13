/**
 * Header fields of an RPC by name, in lower case. The values of a name that comes twice are joined
 * by ", ". Values are Latin-1 strings.
 */
export type HeaderFields = Readonly<Record<string, string>>;
