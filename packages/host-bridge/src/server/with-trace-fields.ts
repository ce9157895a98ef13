import type { FieldList } from "@servehttp/contract";

/**
 * What goes to the plugin, with the host's own trace context in place of any other: behind the fields
 * that were there, which are all in it where none was of a trace.
 */
export function withTraceFields(fields: FieldList, traceFields: FieldList): FieldList {
  return (hasTraceField(fields) ? withoutTraceFields(fields) : fields).concat(traceFields);
}

function hasTraceField(fields: FieldList): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    if (isTraceField(fields[at] as string)) {
      return true;
    }
  }
  return false;
}

function withoutTraceFields(fields: FieldList): FieldList {
  const kept: string[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at] as string;
    if (!isTraceField(name)) {
      kept.push(name, fields[at + 1] as string);
    }
  }
  return kept;
}

function isTraceField(name: string): boolean {
  // Most names are of other lengths.
  switch (name.length) {
    case 7:
      return name.toLowerCase() === "baggage";
    case 10:
      return name.toLowerCase() === "tracestate";
    case 11:
      return name.toLowerCase() === "traceparent";
    default:
      return false;
  }
}
