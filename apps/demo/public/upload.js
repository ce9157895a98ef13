/**
 * Sends a blob. Uses XMLHttpRequest, since fetch tells nothing of the progress of an upload.
 * Returns `{ done, cancel }`: `done` resolves to the plugin's answer, and rejects where it was
 * cancelled or broke.
 */
export function upload(url, blob, onProgress) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    request.upload.addEventListener("progress", ({ loaded }) => onProgress(loaded));
    request.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    request.addEventListener("error", () => reject(new Error("the connection broke")));
    request.addEventListener("load", () => {
      const answer = request.response ?? {};
      if (request.status === 201) {
        resolve(answer);
      } else {
        reject(new Error(`${request.status} ${answer.error ?? request.statusText}`));
      }
    });
    request.responseType = "json";
    request.open("PUT", url);
    request.send(blob);
  });
  return { done, cancel: () => request.abort() };
}
