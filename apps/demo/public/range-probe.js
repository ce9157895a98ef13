import { element } from "./element.js";

/**
 * Asks for parts of a file, one of them beyond its end, and shows what came: status and the range
 * that it is.
 */
export async function probeRanges(url, sizeBytes, place) {
  const found = sizeBytes === 0 ? 416 : 206;
  const probes = [
    ["bytes=0-15", found],
    ["bytes=-16", found],
    [`bytes=${sizeBytes}-`, 416],
  ];
  const tags = await Promise.all(
    probes.map(async ([range, expected]) => {
      const response = await fetch(url, { headers: { range } });
      const { byteLength } = await response.arrayBuffer();
      const as = response.status === expected ? "tag" : "tag wrong";
      const answer = response.headers.get("content-range") ?? `${byteLength} bytes`;
      return element(
        "span",
        { class: as },
        `${range} → `,
        element("b", {}, String(response.status)),
        ` ${answer}`,
      );
    }),
  );
  place.replaceChildren(...tags);
}
