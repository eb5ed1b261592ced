import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import "./editor.css";
import { announce } from "../shell/announce";
import { count } from "../text/format";
import { Question } from "../ui/Question";
import { Comparison } from "./Comparison";
import { Findings } from "./Findings";
import { Loading } from "./Loading";
import { Notices } from "./Notices";
import type { Session } from "./session";
import type { Source } from "./source";
import { type Jump, TextEditor } from "./TextEditor";
import { useSession } from "./useSession";
import { words } from "./words";

interface Props {
  source: Source;
  /** More that can be done with what is edited. */
  children?: ComponentChildren;
}

/** One text: edited, checked, saved, and compared with what others made of it. */
export function Editor({ source, children }: Props) {
  const t = words();
  const session = useSession(source);
  const [insisting, setInsisting] = useState(false);
  const jump = useRef<Jump>(() => {});
  const base = session.base.value;
  const comparing = session.comparing.value ? session.theirs.value : null;

  async function save(insist = false) {
    setInsisting(false);
    const outcome = await session.save(insist);
    if (outcome === "saved") announce(t.saved(source.name));
    if (outcome !== "faulty") return;
    if (source.takesErrors) setInsisting(true);
    else goToFirstError(session, jump.current);
  }
  useSaveKey(save);

  if (!base) return <Loading problem={session.problem.value} reload={() => void session.open()} />;
  return (
    <section class="editor card" aria-label={t.editorOf(source.name)}>
      <div class="bar-of spread head">
        <span class="title">
          <b class="mono">{source.name}</b>
          <State session={session} />
        </span>
        <div class="bar-of">
          {children}
          {comparing && (
            <>
              <button type="button" onClick={() => (session.comparing.value = false)}>
                {t.backToText}
              </button>
              <button type="button" onClick={() => session.takeTheirs()}>
                {t.takeTheirs}
              </button>
            </>
          )}
          <button
            type="button"
            class="main"
            title={t.saveKeys}
            disabled={session.saving.value || !(session.dirty.value || comparing)}
            onClick={() => void save()}
          >
            {comparing ? t.saveMine : t.save}
          </button>
        </div>
      </div>
      <Notices session={session} />
      {comparing && (
        <Comparison
          key={comparing.etag}
          name={source.name}
          old={{ text: comparing.text, title: t.theirs }}
          now={{ text: session.text.peek(), title: t.mine }}
          onEdit={(text) => (session.text.value = text)}
        />
      )}
      <TextEditor
        session={session}
        name={source.name}
        hidden={comparing !== null}
        onReady={(ready) => (jump.current = ready)}
      />
      {!comparing && <Findings findings={session.findings.value} onJump={(line, column) => jump.current(line, column)} />}
      <p class="note hint">{t.hint}</p>
      {insisting && (
        <Question
          title={t.errorsTitle(source.name)}
          answer={t.saveAnyway}
          instead={t.keepEditing}
          onClose={() => {
            setInsisting(false);
            requestAnimationFrame(() => goToFirstError(session, jump.current));
          }}
          onAnswer={() => void save(true)}
        >
          <p>{t.errorsText(count(session.errors.value))}</p>
          <Findings findings={session.findings.value} />
        </Question>
      )}
    </section>
  );
}

function goToFirstError(session: Session, jump: Jump): void {
  const error = session.findings.value?.find(({ severity }) => severity === "error");
  if (error && !session.comparing.value) jump(error.line, error.column);
}

/** Ctrl+S, on a Mac ⌘S, wherever the focus is: the browser would save the page. */
function useSaveKey(save: () => void): void {
  const latest = useRef(save);
  latest.current = save;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.key.toLowerCase() !== "s") return;
      event.preventDefault();
      if (!document.querySelector("dialog[open]")) latest.current();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}

function State({ session }: { session: Session }) {
  const t = words();
  if (session.saving.value) return <span class="note">{t.saving}</span>;
  if (!session.dirty.value) return <span class="note">{t.unchanged}</span>;
  return (
    <span class="unsaved">
      <span aria-hidden="true">●</span> {t.unsaved}
    </span>
  );
}
