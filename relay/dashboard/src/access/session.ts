/** Who asks, and what they may do here. */
import { signal } from "@preact/signals";
import { ApiError, getJson, onSignedOut, protect, request } from "../api/client";
import type { Route } from "../route";

/** Each contains the one before. */
const ROLES = ["scrape", "view", "operate", "edit"] as const;
export type Role = (typeof ROLES)[number];

interface Session {
  /** Null for whoever comes without credentials. */
  name: string | null;
  role: Role;
  /** There is something to sign out of. */
  signed_in: boolean;
  /** Who has not signed in may do so. */
  can_sign_in: boolean;
  /** Only the proxy can sign them out. */
  by_proxy: boolean;
  xsrf_token: string | null;
}

/** Null until the service has told. */
export const session = signal<Session | null>(null);

/** What the service says to whoever it knows and lets do nothing at all. */
export const refused = signal<string | null>(null);

/** Ask anew: at the beginning, with every connection, and when the service has ended one. */
export async function knowSession(): Promise<void> {
  try {
    session.value = await getJson<Session>("api/v1/session");
    protect(session.value.xsrf_token);
    refused.value = null;
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) refused.value = error.message;
    // Not signed in: the form follows. Or no answer: then the service says what may be done when it is there again.
  }
}

/** Whether the reader may do what takes a role; the service decides in any case. */
export function may(role: Role): boolean {
  return !session.value || ROLES.indexOf(session.value.role) >= ROLES.indexOf(role);
}

/** What a place in the page is of no use without. */
export function needOf(place: Route): Role {
  const edits =
    place.page === "new" ||
    place.page === "config" ||
    place.page === "audit" ||
    (place.page === "files" && place.path !== undefined) ||
    (place.page === "script" && ["code", "settings", "versions"].includes(place.tab));
  return edits ? "edit" : "view";
}

/** Address of the form, which leads back here. */
export function signInAddress(): string {
  return `login?next=${encodeURIComponent(location.hash)}`;
}

/** Go to the form whenever the service wants to know who asks. */
export function followSession(leave: (address: string) => void = (address) => location.assign(address)): void {
  onSignedOut(() => leave(signInAddress()));
}

/** End this session, or all of the reader's. */
export async function signOut(sessions: "this" | "all"): Promise<void> {
  await request(`logout?sessions=${sessions}`, { method: "POST" });
  location.assign("login");
}
