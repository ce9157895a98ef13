import { element } from "./element.js";

/** How long a button asks before it forgets that it was pressed. */
const askMs = 4_000;

/**
 * A button for what can't be undone: the first press asks, a second one within four seconds does it.
 *
 * @param label what it says, and what it says when it asks
 */
export function confirmButton({ label, question, about }, act) {
  let timer;
  const settle = () => {
    clearTimeout(timer);
    timer = undefined;
    button.textContent = label;
    button.className = "quiet";
  };
  const button = element("button", {
    class: "quiet",
    type: "button",
    textContent: label,
    "aria-description": about,
    onblur: settle,
    onclick: () => {
      if (timer === undefined) {
        button.textContent = question;
        button.className = "danger";
        timer = setTimeout(settle, askMs);
      } else {
        settle();
        act();
      }
    },
  });
  return button;
}
