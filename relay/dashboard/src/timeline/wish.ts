/** Which lanes to show, and when: as part of an address, so that it can be linked to and outlives a reload. */
import { signal } from "@preact/signals";
import { lookAt, placeOf, placeQuery } from "./place";

/** Which lanes to show; it outlives a look at another place. */
export const wish = signal({ text: "", failures: false });

/** The query of an address; empty where the reader has said nothing. */
export function timelineQuery(): string {
  const query = new URLSearchParams(placeQuery());
  if (wish.value.text) query.set("text", wish.value.text);
  if (wish.value.failures) query.set("failures", "true");
  return query.toString();
}

/** Show what an address says, as far as that makes sense. */
export function readTimeline(query: string): void {
  const given = new URLSearchParams(query);
  wish.value = { text: given.get("text") ?? "", failures: given.get("failures") === "true" };
  lookAt(placeOf(given));
}
