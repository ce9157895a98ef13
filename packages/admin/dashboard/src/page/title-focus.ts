import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** Not the first view: there the browser begins at the top anyway. */
let isFirst = true;

/** The heading that gets the focus when its view is shown, so that it is read out. */
export function useTitleFocus(): RefObject<HTMLHeadingElement | null> {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!isFirst) {
      title.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    isFirst = false;
  }, []);
  return title;
}
