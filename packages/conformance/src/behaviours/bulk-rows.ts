/** Rows whose tests move many bytes. They have a test file of their own. */
export const bulkRows: ReadonlySet<string> = new Set(["Q3", "Q5", "P11", "P13"]);
