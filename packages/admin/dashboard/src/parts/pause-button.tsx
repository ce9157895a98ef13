/** Holds still what changes by itself, so that it can be read. */
export function PauseButton(props: {
  readonly what: string;
  readonly isPaused: boolean;
  readonly onPause: (isPaused: boolean) => void;
}) {
  const { what, isPaused, onPause } = props;
  return (
    <button
      type="button"
      class={isPaused ? "primary" : ""}
      aria-label={`${isPaused ? "Resume" : "Pause"} ${what}`}
      onClick={() => onPause(!isPaused)}
    >
      {isPaused ? "Resume" : "Pause"}
    </button>
  );
}
