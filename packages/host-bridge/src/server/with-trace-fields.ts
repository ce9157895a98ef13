import type { FieldList } from "@servehttp/contract";
import type { RequestFields } from "../edge/request-fields.js";

/** What goes to the plugin, with the host's own trace context in place of any other. */
export function withTraceFields(sent: RequestFields, traceFields: FieldList): RequestFields {
  const { fields } = sent;
  if (!hasTraceField(fields)) {
    return { ...sent, fields: fields.concat(traceFields), fieldsBegin: fields };
  }
  const kept: string[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at] as string;
    if (!isTraceField(name)) {
      kept.push(name, fields[at + 1] as string);
    }
  }
  for (const text of traceFields) {
    kept.push(text);
  }
  return { ...sent, fields: kept };
}

function hasTraceField(fields: FieldList): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    if (isTraceField(fields[at] as string)) {
      return true;
    }
  }
  return false;
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
