const ampersand = 0x26;
const semicolon = 0x3b;

/**
 * Removes the named parameters from the query of a request target or URL. Everything else stays as
 * it came, byte for byte. A query that held nothing else goes with its "?".
 *
 * A parameter counts as named when a program that decodes names would read it so: `access%5Ftoken`,
 * `access_token[]` and `a=1;access_token=…` are all `access_token`.
 *
 * @param names in the form that `parameterNames` gives
 */
export function stripQueryParameters(target: string, names: ReadonlySet<string>): string {
  if (names.size === 0) {
    return target;
  }
  const queryAt = target.indexOf("?");
  if (queryAt < 0) {
    return target;
  }
  let query = "";
  let anyKept = false;
  let anyRemoved = false;
  let from = queryAt + 1;
  for (let at = from; at <= target.length; at++) {
    const char = target.charCodeAt(at);
    if (at < target.length && char !== ampersand && char !== semicolon) {
      continue;
    }
    if (names.has(decodedName(target.slice(from, at)))) {
      anyRemoved = true;
    } else {
      // A piece is kept with the separator in front of it, except the first one.
      query += target.slice(anyKept ? from - 1 : from, at);
      anyKept = true;
    }
    from = at + 1;
  }
  if (!anyRemoved) {
    return target;
  }
  return anyKept ? `${target.slice(0, queryAt + 1)}${query}` : target.slice(0, queryAt);
}

/**
 * Names of parameters as `stripQueryParameters` compares them: bytes of UTF-8, one character each.
 */
export function parameterNames(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name) => bytesOf(name)));
}

function bytesOf(text: string): string {
  let bytes = "";
  for (const byte of new TextEncoder().encode(text)) {
    bytes += String.fromCharCode(byte);
  }
  return bytes;
}

/** The name of one `name=value` piece, with its escapes and "+" decoded once, up to a "[". */
function decodedName(piece: string): string {
  let name = "";
  for (let at = 0; at < piece.length; at++) {
    let char = piece.charCodeAt(at);
    if (char === 0x3d /* = */) {
      break;
    }
    if (char === 0x2b /* + */) {
      char = 0x20;
    } else if (char === 0x25 /* % */) {
      const high = hexDigit(piece.charCodeAt(at + 1));
      const low = hexDigit(piece.charCodeAt(at + 2));
      if (high >= 0 && low >= 0) {
        char = high * 16 + low;
        at += 2;
      }
    }
    if (char === 0x5b /* [ */ && name !== "") {
      break;
    }
    name += String.fromCharCode(char);
  }
  return name;
}

function hexDigit(char: number): number {
  if (char >= 0x30 && char <= 0x39) {
    return char - 0x30;
  }
  const lower = char | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
