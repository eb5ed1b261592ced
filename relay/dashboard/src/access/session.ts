/** Who asks, and what they may do here. */
import { computed, signal } from "@preact/signals";
import { ApiError, askAs, type Asker, getJson, onRefused, onSignedOut, request } from "../api/client";
import { claimDrafts, comeBack, forgetDrafts } from "../drafts";
import { leave, objection, type Route } from "../route";
import { words } from "./words";

/** Each contains the one before. */
const ROLES = ["scrape", "view", "operate", "edit"] as const;
export type Role = (typeof ROLES)[number];

interface Session extends Asker {
  role: Role;
  /** There is something to sign out of. */
  signed_in: boolean;
  /** Who has not signed in may do so. */
  can_sign_in: boolean;
  /** Only the proxy can sign them out. */
  by_proxy: boolean;
}

/** Whom the page serves; null until the service has told. */
export const session = signal<Session | null>(null);

/** What the service says to whoever it knows and lets do nothing at all. */
export const refused = signal<string | null>(null);

/**
 * The reader's session has ended. Where something is unsaved here, the page stays as it is until they sign in; `by` is
 * who has signed in meanwhile in this browser, if somebody has.
 */
export const over = signal<{ readonly by: Session | null } | null>(null);

/** Ask anew: at the beginning, with every connection, when the service has ended one, and when it refuses something. */
export async function knowSession(): Promise<void> {
  try {
    become(await getJson<Session>("api/v1/session"));
    refused.value = null;
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) refused.value = error.message;
    // Not signed in: the form follows. Or no answer: then the service says what may be done when it is there again.
  }
}

function become(found: Session): void {
  const before = session.value;
  const isOther = before !== null && before.name !== null && before.name !== found.name;
  if (isOther && objection() !== null) {
    over.value = { by: found.name === null ? null : found };
    return;
  }
  over.value = found.name === null && (isOther || over.value) ? { by: null } : null;
  session.value = found;
  askAs(found);
  claimDrafts(found.name);
  if (found.role === "scrape" && found.name === null && found.can_sign_in) signIn();
}

/** A change of `sender` was refused. Raises ApiError where that is because somebody else has signed in. */
async function askAnew(sender: Asker): Promise<void> {
  await knowSession();
  const now = over.value?.by ?? session.value;
  if (now && now.name !== sender.name) {
    throw new ApiError(now.name === null ? words().ended : words().another(now.name), 403);
  }
}

/** Whether the reader may do what takes a role; the service decides in any case. */
export function may(role: Role): boolean {
  return ROLES.indexOf(held.value) >= ROLES.indexOf(role);
}

/** The role alone: what is offered by it is drawn anew only when that is another one. */
const held = computed<Role>(() => session.value?.role ?? "edit");

/** Whether there is any use in asking for what the page shows; not where it waits for the reader to sign in again. */
export function mayLook(): boolean {
  return looks.value;
}

const looks = computed(() => {
  const waits = over.value !== null && session.value?.name !== null;
  return !waits && refused.value === null && may("view");
});

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

/** Go to the form, and come back to what was typed here. */
export function signIn(): void {
  comeBack();
  leave("for a while", signInAddress());
}

/** Whenever the service wants to know who asks, go to the form; but stay with what is unsaved as long as the reader does. */
export function followSession(): void {
  onSignedOut(() => {
    if (objection() === null) signIn();
    else over.value ??= { by: null };
  });
  onRefused(askAnew);
  addEventListener("focus", () => over.value && void knowSession()); // they may have signed in in another tab
}

/** End this session, or all of the reader's; what is unsaved is lost, if they agree. */
export async function signOut(sessions: "this" | "all"): Promise<void> {
  const question = objection();
  if (question !== null && !confirm(question)) return;
  await request(`logout?sessions=${sessions}`, { method: "POST" });
  forgetDrafts();
  leave("for good", "login");
}

/** End the session of whoever has signed in, for somebody else to sign in and come to this place. */
export async function signInAsAnother(): Promise<void> {
  const now = over.value?.by;
  await request("logout", { method: "POST", ...(now ? { as: now } : {}) });
  signIn();
}
