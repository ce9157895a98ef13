import { z } from "zod";
import { type Call, calls, type SchemaName, schemas } from "./calls.js";

/** The description of the API, OpenAPI 3.1, as JSON. */
export interface OpenApi {
  readonly openapi: string;
  readonly info: Readonly<Record<string, unknown>>;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<SchemaName, object>>;
    readonly securitySchemes: Readonly<Record<string, object>>;
  };
}

/** Makes the description of the API from its calls. */
export function openApi(): OpenApi {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [id, call] of Object.entries(calls)) {
    (paths[call.path] ??= {})[call.method] = operation(id, call);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "servehttp admin API",
      version: "1",
      description:
        "What a running host of plugins does, and what may be done to it. All paths are relative to where the admin is mounted. Members may be added to what is answered: ignore those you don't know.",
    },
    security: [{ token: [] }],
    paths,
    components: {
      schemas: namedSchemas(),
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
    },
  };
}

function operation(operationId: string, call: Call): object {
  const { access, body, description, path, query, summary } = call;
  const parameters = [
    ...Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => ({
      name,
      in: "path",
      required: true,
      schema: { type: "string" },
    })),
    ...queryParameters(query),
  ];
  return {
    operationId,
    summary,
    ...(description !== undefined && { description }),
    ...(access === "anyone" && { security: [] }),
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && {
      requestBody: { required: true, content: { "application/json": { schema: reference(body) } } },
    }),
    responses: responses(call),
  };
}

function queryParameters(query: z.ZodObject | undefined): readonly object[] {
  const { properties = {} } = query === undefined ? {} : z.toJSONSchema(query, { io: "input" });
  return Object.entries(properties).map(([name, schema]) => {
    const { description, ...rest } = schema as { readonly description?: string };
    return { name, in: "query", ...(description !== undefined && { description }), schema: rest };
  });
}

function responses({ access, answers, problems }: Call): object {
  const ofAll = access === "anyone" ? [400] : [400, 401, 403];
  const failed = [...ofAll, ...problems].map((status) => [
    status,
    {
      description: "A problem.",
      content: { "application/problem+json": { schema: reference("Problem") } },
    },
  ]);
  const answered = answers.map(({ status, description, type, otherType, schema }) => {
    const types = [type, otherType].filter((one) => one !== undefined);
    const media = schema === undefined ? {} : { schema: reference(schema) };
    const content = Object.fromEntries(types.map((one) => [one, media]));
    return [status, { description, ...(types.length > 0 && { content }) }];
  });
  return Object.fromEntries([...answered, ...failed]) as object;
}

const reference = (name: SchemaName) => ({ $ref: place(name) });
const place = (name: string) => `#/components/schemas/${name}`;

function namedSchemas(): Readonly<Record<SchemaName, object>> {
  const registry = z.registry<{ readonly id: string }>();
  for (const [id, schema] of Object.entries(schemas)) {
    registry.add(schema, { id });
  }
  const { schemas: written } = z.toJSONSchema(registry, { uri: place, io: "input" });
  for (const schema of Object.values(written)) {
    // They are parts of one document.
    delete schema.$schema;
    delete schema.$id;
  }
  return written as Readonly<Record<SchemaName, object>>;
}
