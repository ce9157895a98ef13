"use server";

import { revalidatePath } from "next/cache";

// Next.js loads a module once for pages and once for actions; both see what is global.
const kept = (globalThis.notes ??= []);

export async function notes() {
  return kept;
}

export async function say(form) {
  kept.push(form.get("text"));
  revalidatePath("/");
}
