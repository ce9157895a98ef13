/** A span, whoever has written it down. */
export interface SeenSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the root. */
  readonly parentSpanId: string;
  readonly service: string;
  readonly name: string;
  /** As OTLP numbers them: 1 internal, 2 server, 3 client. */
  readonly kind: number;
}

/** What OTLP in JSON says, as far as it is read here. */
interface TraceRequest {
  readonly resourceSpans?: readonly {
    readonly resource?: {
      readonly attributes?: readonly { key: string; value: { stringValue?: string } }[];
    };
    readonly scopeSpans?: readonly {
      readonly spans?: readonly (Omit<SeenSpan, "service" | "parentSpanId"> & {
        readonly parentSpanId?: string;
      })[];
    }[];
  }[];
}

/** The spans of an export, in JSON. */
export function spansOf(json: string): SeenSpan[] {
  const { resourceSpans = [] } = JSON.parse(json) as TraceRequest;
  return resourceSpans.flatMap(({ resource, scopeSpans = [] }) => {
    const named = resource?.attributes?.find(({ key }) => key === "service.name");
    const service = named?.value.stringValue ?? "";
    return scopeSpans.flatMap(({ spans = [] }) =>
      spans.map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? "",
        service,
        name: span.name,
        kind: span.kind,
      })),
    );
  });
}

const kinds = ["", "internal", "server", "client"];

/** The spans as lines, children beneath their parents. Those of other traces come as roots, too. */
export function treeOf(spans: readonly SeenSpan[]): string[] {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const beneath = (parent: SeenSpan | undefined, indent: string): string[] =>
    spans
      .filter(({ parentSpanId, traceId }) =>
        parent === undefined
          ? !known.has(parentSpanId)
          : parentSpanId === parent.spanId && traceId === parent.traceId,
      )
      .toSorted((a, b) => a.name.localeCompare(b.name))
      .flatMap((span) => [
        `${indent}${span.service}: ${span.name} (${kinds[span.kind] ?? span.kind})`,
        ...beneath(span, `${indent}  `),
      ]);
  return beneath(undefined, "");
}
