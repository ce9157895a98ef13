import { readFileSync } from "node:fs";
import { docstringsOf } from "@servehttp/testkit";
import { z } from "zod";

/** One table of docs/options.md. */
export interface OptionTable {
  /** The source file with the docstrings, from this folder. */
  readonly source: string;
  /** The line of the source that begins the object or the interface with the docstrings. */
  readonly block: string;
  /** What checks the options. Without one, the docstrings alone say what is known. */
  readonly schema?: z.ZodType;
  /** Which of the members to take. Default: all. */
  readonly only?: readonly string[];
}

interface Option {
  readonly name: string;
  readonly text: string;
  readonly default: string;
  readonly allowed: string;
}

/**
 * Puts tables of options between the markers `<!-- options:NAME -->` and `<!-- end -->` of a page.
 * Throws where page and tables don't have the same names, and where a docstring tells another
 * default than the schema.
 */
export function withOptionTables(page: string, tables: Readonly<Record<string, OptionTable>>) {
  const left = new Set(Object.keys(tables));
  const filled = page.replace(
    /(<!-- options:(\w+) -->\n).*?(<!-- end -->)/gs,
    (_all, start: string, name: string, end: string) => {
      const table = tables[name];
      if (table === undefined || !left.delete(name)) {
        throw new Error(`no table of options, or a second one, has the name ${name}`);
      }
      return `${start}${tableText(optionsOf(table))}\n${end}`;
    },
  );
  if (left.size > 0) {
    throw new Error(`the page lacks the tables ${[...left].join(", ")}`);
  }
  return filled;
}

function tableText(options: readonly Option[]): string {
  const rows = options.map((one) =>
    [`\`${one.name}\``, one.default, one.allowed, one.text].join(" | "),
  );
  const head = "| option | default | allowed | what it says |\n|---|---|---|---|\n";
  return head + rows.map((row) => `| ${row} |`).join("\n");
}

function optionsOf({ source, block, schema, only }: OptionTable): Option[] {
  const all = docstringsOf(readFileSync(new URL(source, import.meta.url), "utf8"), block);
  const docs = [...all].filter(([name]) => only?.includes(name) ?? true);
  const schemas = schema === undefined ? undefined : shapeOf(schema);
  return docs.map(([name, doc]) => {
    const [, text = doc, told = ""] = /^(.*?) ?Default: (.+?)\.?$/s.exec(doc) ?? [];
    const one = schemas?.[name];
    if (schemas !== undefined && one === undefined) {
      throw new Error(`${name} has a docstring and no schema`);
    }
    return {
      name,
      text: cell(text),
      default: cell(one === undefined ? told : defaultText(name, one, told)),
      allowed: cell(one === undefined ? "" : allowedText(name, one)),
    };
  });
}

/** The default that a schema fills in, or the one that the docstring tells where it fills in none. */
function defaultText(name: string, schema: z.ZodType, told: string): string {
  const filled = schema.safeParse(undefined);
  if (!filled.success) {
    return "needed";
  }
  const known = ["number", "string", "boolean"].includes(typeof filled.data);
  if (!known) {
    return told;
  }
  const value = inCode(filled.data);
  if (told !== value && !told.startsWith(`${value},`)) {
    throw new Error(`${name} is ${value} by default, and its docstring says ${told}`);
  }
  return `${value}${unitOf(name)}`;
}

/** What the schema's message says of a value that is none of those allowed. */
function allowedText(name: string, schema: z.ZodType): string {
  const { error } = schema.safeParse(Symbol("not allowed"));
  const message = error?.issues[0]?.message ?? "";
  if (message.startsWith("an object with some of")) {
    return "the options below";
  }
  return message.replace(/\d{4,}/g, (digits) => inCode(Number(digits))) + unitOf(name);
}

function inCode(value: unknown): string {
  return typeof value === "number"
    ? value.toLocaleString("en-US")
    : typeof value === "string"
      ? `\`${JSON.stringify(value)}\``
      : String(value);
}

function unitOf(name: string): string {
  return name.endsWith("Ms") ? " ms" : name.endsWith("Bytes") ? " bytes" : "";
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function shapeOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> {
  let inner: unknown = schema;
  while (inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) {
    inner = inner.def.innerType;
  }
  if (!(inner instanceof z.ZodObject)) {
    throw new Error("the schema is of no object");
  }
  return inner.shape;
}
