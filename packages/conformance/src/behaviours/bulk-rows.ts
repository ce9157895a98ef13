/** Rows whose tests move many bytes: they run in a file of their own, beside the others. */
export const bulkRows: ReadonlySet<string> = new Set(["Q3", "Q5", "P11", "P13"]);
