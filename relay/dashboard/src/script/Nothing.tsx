import { words } from "./words";

/** In the place of a chart that has nothing to show yet. */
export function Nothing({ known }: { known: boolean }) {
  return <p class="note nothing">{known ? words().few : words().loading}</p>;
}
