import type { ComponentChildren } from "preact";
import { lineBreakOf } from "./dialect";
import { LeftNotice } from "./LeftNotice";
import type { Session } from "./session";
import { words } from "./words";

/** What the reader should know of the text before going on with it. */
export function Notices({ session }: { session: Session }) {
  const t = words();
  const problem = session.problem.value ?? (session.refused.value ? t.refused : null);
  const { left, theirs, note, isBack, uprooted, base, comparing, text } = session;
  return (
    <>
      <div role="alert">{problem !== null && <p class="notice problem">{problem}</p>}</div>
      <div role="status">
        {isBack.value && <Notice text={t.isBack} />}
        {uprooted.value !== null && <Notice text={t.uprooted(uprooted.value)} />}
        {note.value !== null && <p class="notice mild">{note.value}</p>}
        {left.value && <LeftNotice onTake={() => session.takeUpDraft()} onForget={() => session.forgetDraft()} />}
        {theirs.value && comparing.value && <Notice text={t.conflict} />}
        {theirs.value && !comparing.value && (
          <Notice text={t.changedOnDisk}>
            <button type="button" onClick={() => (comparing.value = true)}>
              {t.compare}
            </button>
          </Notice>
        )}
        {base.value?.etag === null && <Notice text={t.absent} />}
        {lineBreakOf(text.value) === "\r\n" && !comparing.value && (
          <Notice text={t.windowsLines}>
            <button type="button" onClick={() => (text.value = text.value.replaceAll("\r\n", "\n"))}>
              {t.convertLines}
            </button>
          </Notice>
        )}
      </div>
    </>
  );
}

function Notice({ text, children }: { text: string; children?: ComponentChildren }) {
  return (
    <div class="notice mild">
      <p>{text}</p>
      {children && <div class="bar-of">{children}</div>}
    </div>
  );
}
