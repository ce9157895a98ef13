import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

/** What is asked before something is done. */
export interface Question {
  readonly title: string;
  /** What will happen. */
  readonly text: string;
  /** The words on the button that does it. */
  readonly action: string;
}

interface Asked extends Question {
  readonly answer: (isYes: boolean) => void;
}

const asked = signal<Asked | undefined>(undefined);

/** Asks the reader; the answer is no when they close the dialog in any other way. */
export function confirm(question: Question): Promise<boolean> {
  return new Promise((answer) => {
    asked.value = { ...question, answer };
  });
}

/** The place of the dialog, once on the page. The browser gives the focus back when it closes. */
export function ConfirmDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const question = asked.value;

  useEffect(() => {
    if (question !== undefined) {
      dialog.current?.showModal();
    }
  }, [question]);

  if (question === undefined) {
    return null;
  }
  const close = (isYes: boolean) => {
    dialog.current?.close();
    asked.value = undefined;
    question.answer(isYes);
  };
  return (
    <dialog
      ref={dialog}
      aria-labelledby="confirm-title"
      aria-describedby="confirm-text"
      onCancel={(event) => {
        event.preventDefault();
        close(false);
      }}
    >
      <h2 id="confirm-title">{question.title}</h2>
      <p id="confirm-text">{question.text}</p>
      <div class="buttons end">
        <button type="button" autofocus onClick={() => close(false)}>
          Cancel
        </button>
        <button type="button" class="primary" onClick={() => close(true)}>
          {question.action}
        </button>
      </div>
    </dialog>
  );
}
