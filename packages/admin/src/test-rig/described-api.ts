import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { eventSchemas } from "../api/event.js";
import { openApi } from "../api/open-api.js";
import { schemas } from "../api/calls.js";

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: object }>> }>
  >;
}

const description = closed(openApi()) as ReturnType<typeof openApi>;
const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { "date-time": isDate } });
ajv.addSchema(description, "api");
const validators = new Map<string, ValidateFunction>();

/** Checks an answer against the description: that its status, its type and its body stand there. */
export function checkAnswer(
  method: string,
  path: string,
  status: number,
  type: string | null,
  text: string,
): void {
  const operation = operationOf(method, path);
  if (operation === undefined) {
    // What is no call is answered as all calls are where they fail.
    checkSchema("Problem", JSON.parse(text));
    return;
  }
  const response = operation.responses[status];
  if (response === undefined) {
    throw new Error(`${method} ${path} is not described to answer ${status}: ${text}`);
  }
  const [mediaType = ""] = (type ?? "").split(";");
  const content = response.content?.[mediaType];
  if (response.content === undefined ? text !== "" : content === undefined) {
    throw new Error(`${method} ${path} is not described to answer ${mediaType}: ${text}`);
  }
  const { $ref = "" } = (content?.schema ?? {}) as { readonly $ref?: string };
  if ($ref !== "") {
    checkSchema($ref.split("/").at(-1) ?? "", JSON.parse(text));
  }
}

/** Checks the data of an event of `/api/events`, or of a log. */
export function checkEvent(name: string, data: unknown): void {
  if (name === "record") {
    checkSchema("LogRecord", data);
    return;
  }
  const schema = eventSchemas[name as keyof typeof eventSchemas];
  const [named = ""] = Object.entries(schemas).find(([, one]) => one === schema) ?? [];
  checkSchema(named, data);
}

function checkSchema(name: string, value: unknown): void {
  let validate = validators.get(name);
  if (validate === undefined) {
    validate = ajv.compile({ $ref: `api#/components/schemas/${name}` });
    validators.set(name, validate);
  }
  if (!validate(value)) {
    throw new Error(`no ${name}: ${ajv.errorsText(validate.errors)}: ${JSON.stringify(value)}`);
  }
}

function operationOf(method: string, path: string): Operation | undefined {
  const [plain = ""] = path.split("?");
  const [, methods] =
    Object.entries(description.paths).find(([template]) =>
      new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(plain),
    ) ?? [];
  return methods?.[method.toLowerCase()] as Operation | undefined;
}

/** The description lets members be added later; what is answered now has none but those it names. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(closed);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const members = Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, closed(one)]),
  );
  return "properties" in members && members["additionalProperties"] === undefined
    ? { ...members, additionalProperties: false }
    : members;
}

function isDate(text: string): boolean {
  return new Date(text).toJSON() === text;
}
