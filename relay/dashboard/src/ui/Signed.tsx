import type { Saying, Sign } from "../text/words";

/** Paths in a box of 16 by 16. */
const SHAPES: Record<Sign, string> = {
  good: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm3.6 5.1-4.2 5a1 1 0 0 1-1.5.1L4.2 9.5l1.2-1.3 1.2 1.1L10.2 5Z",
  bad: "M5 1h6l4 4v6l-4 4H5l-4-4V5Zm0 3L4 5l3 3-3 3 1 1 3-3 3 3 1-1-3-3 3-3-1-1-3 3Z",
  active: "M3 1.8v12.4a.8.8 0 0 0 1.2.7l10-6.2a.8.8 0 0 0 0-1.4l-10-6.2A.8.8 0 0 0 3 1.8Z",
  warning: "M8 1 .5 14.5h15Zm-.9 4.5h1.8v4.5H7.1Zm0 5.8h1.8v1.7H7.1Z",
  idle: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Zm0 1.8a4.2 4.2 0 1 1 0 8.4 4.2 4.2 0 0 1 0-8.4Z",
  off: "M2 7h12v2H2Z",
};

/** A sign and its word, in its colour. */
export function Signed({ sign, text }: Saying) {
  return (
    <span class={`signed ${sign}`}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path fill-rule="evenodd" d={SHAPES[sign]} />
      </svg>
      <span>{text}</span>
    </span>
  );
}
