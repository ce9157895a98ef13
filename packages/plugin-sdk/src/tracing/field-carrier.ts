import type { TextMapGetter, TextMapSetter } from "@opentelemetry/api";
import type { FieldList } from "@servehttp/contract";

/** Reads trace context from a header section. Lines of the same name are told apart. */
export const fieldGetter: TextMapGetter<FieldList> = {
  get(fields, key) {
    const values = fields.filter((_, at) => at % 2 === 1 && isNamed(fields[at - 1], key));
    return values.length > 1 ? values : values[0];
  },
  keys: (fields) => fields.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase()),
};

/** Adds trace context to a header section: name, value, name, value. */
export const fieldSetter: TextMapSetter<string[]> = {
  set(fields, key, value) {
    fields.push(key, value);
  },
};

/** The first value of a field; undefined where there is none. @param key in lower case */
export function fieldValue(fields: FieldList, key: string): string | undefined {
  return fields.find((_, at) => at % 2 === 1 && isNamed(fields[at - 1], key));
}

function isNamed(name: string | undefined, key: string): boolean {
  return name?.length === key.length && name.toLowerCase() === key;
}
