/** What somebody wants to know of a plugin's process. */
export type Diagnosis =
  | { readonly kind: "heap-snapshot" }
  | { readonly kind: "cpu-profile"; readonly durationMs: number };
