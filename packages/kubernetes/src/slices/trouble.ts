/** What is wrong with a Service. */
export interface Trouble {
  readonly kind: "no-slices" | "no-endpoints" | "none-ready" | "port";
  /** The end of a sentence that begins with the Service. */
  readonly text: string;
}
