import { effect } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { mayLook } from "../access/session";
import { draftsOf } from "../drafts";
import { onFrame } from "../live/live";
import { guardLeaving } from "../route";
import { unsaved } from "../shell/title";
import { language } from "../text/language";
import { onReconnection } from "./reconnection";
import { Session } from "./session";
import type { Source } from "./source";
import { words } from "./words";

/** Milliseconds between looks for what others do on the disk, of which nobody tells, while the tab is looked at. */
const LOOK_EVERY = 1_500;
/** A reload of the configuration tells of many scripts at once. */
const SETTLES = 100;
/** After so many milliseconds without a key the text is checked. */
const CHECK_AFTER = 500;

/** A session for as long as the component is there. */
export function useSession(source: Source): Session {
  const session = useMemo(() => new Session(source, draftsOf(source.address)), [source.address]);
  useEffect(() => {
    void session.open();
    const ends = [
      session.keepDrafts(),
      watch(session),
      onReconnection(() => session.reconnected()),
      checkWhileTyping(session),
      guardLeaving(() => (session.dirty.value ? words().leaving(source.name) : null), () => session.isKept),
      effect(() => {
        unsaved.value = session.dirty.value;
      }),
    ];
    return () => {
      ends.forEach((end) => end());
      unsaved.value = false;
    };
  }, [session]);
  return session;
}

/** Notice what others make of the file. */
function watch(session: Session): () => void {
  let [soon, next] = [0, 0];
  let ended = false;
  const look = async () => {
    clearTimeout(next);
    if (document.visibilityState === "visible" && mayLook()) await session.look();
    clearTimeout(next);
    if (!ended) next = window.setTimeout(look, LOOK_EVERY);
  };
  const ignore = onFrame(({ type }) => {
    if (type !== "file_changed" && type !== "hello") return;
    clearTimeout(soon);
    soon = window.setTimeout(look, SETTLES);
  });
  void look();
  addEventListener("focus", look);
  document.addEventListener("visibilitychange", look);
  return () => {
    ended = true;
    ignore();
    clearTimeout(soon);
    clearTimeout(next);
    removeEventListener("focus", look);
    document.removeEventListener("visibilitychange", look);
  };
}

function checkWhileTyping(session: Session): () => void {
  let soon = 0;
  let wait = 0; // what is opened is checked at once
  const end = effect(() => {
    if (session.base.value === null || !mayLook()) return;
    void [session.text.value, language.value]; // findings are told in words
    clearTimeout(soon);
    soon = window.setTimeout(() => void session.check(), wait);
    wait = CHECK_AFTER;
  });
  return () => {
    end();
    clearTimeout(soon);
  };
}
