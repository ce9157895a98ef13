import { byId } from "./element.js";

/**
 * Fetches JSON. Throws an Error for people where the answer is an error, such as the host's 503
 * while a plugin restarts.
 */
export async function ask(url, options) {
  const response = await fetch(url, options);
  const isJSON = response.headers.get("content-type")?.startsWith("application/json") ?? false;
  const answer = isJSON ? await response.json() : {};
  if (!response.ok) {
    throw new Error(answer.error ?? `the host answers ${response.status} for the plugin`);
  }
  return answer;
}

/** Shows why something failed, in the element with this id. */
export async function tellFailure(id, promise) {
  try {
    await promise;
  } catch (thrown) {
    byId(id).textContent = thrown.message;
  }
}
