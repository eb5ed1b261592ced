import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { useRef, useState } from "preact/hooks";
import "./editor.css";
import { runScript } from "../api/scripts";
import { address } from "../route";
import { announce, complain } from "../shell/announce";
import { useControlKeys } from "../shell/controlKeys";
import { count } from "../text/format";
import { Question } from "../ui/Question";
import { Comparison } from "./Comparison";
import { Findings } from "./Findings";
import { Loading } from "./Loading";
import { Notices } from "./Notices";
import type { Insistence, Session } from "./session";
import type { Source } from "./source";
import { type Jump, TextEditor } from "./TextEditor";
import { useSession } from "./useSession";
import { words } from "./words";

interface Props {
  source: Source;
  /** That run what is edited. */
  scripts?: readonly string[];
}

/** To save the text, and what else. */
interface Wish extends Insistence {
  run?: boolean;
}

/** One text: edited, checked, saved, and compared with what others made of it. */
export function Editor({ source, scripts = [] }: Props) {
  const t = words();
  const session = useSession(source);
  const [insisting, setInsisting] = useState<Wish | null>(null);
  const [chosen, setChosen] = useState("");
  const starting = useSignal(false);
  const [started, setStarted] = useState<{ script: string; run: string } | null>(null);
  const script = scripts.includes(chosen) ? chosen : scripts[0];
  const jump = useRef<Jump>(() => {});
  const base = session.base.value;
  const comparing = session.comparing.value ? session.theirs.value : null;

  async function save(wish: Wish) {
    setInsisting(null);
    setStarted(null);
    const outcome = await session.save(wish);
    if (outcome === "saved") announce(t.saved(source.name));
    if (outcome === "saved" && wish.run) await run();
    if (outcome === "undecided") announce(t.undecided);
    if (outcome !== "faulty") return;
    if (source.takesErrors) setInsisting(wish);
    else goToFirstError(session, jump.current);
  }

  async function run() {
    if (script === undefined) return;
    starting.value = true;
    try {
      setStarted({ script, run: await runScript(script) });
    } catch (error) {
      complain(error);
    } finally {
      starting.value = false;
    }
  }
  const saveAndRun = () => {
    if (!starting.value) void save({ run: true }); // else each press would be another run
  };
  useControlKeys({ s: () => void save({}), ...(script === undefined ? {} : { enter: saveAndRun }) });

  if (!base) return <Loading problem={session.problem.value} reload={() => void session.open()} />;
  return (
    <section class="editor card" aria-label={t.editorOf(source.name)}>
      <div class="bar-of spread head">
        <span class="title">
          <b class="mono">{source.name}</b>
          <State session={session} />
        </span>
        <Buttons session={session} onSave={(insist) => void save(insist)}>
          {script !== undefined && (
            <>
              <button
                type="button"
                title={t.saveAndRunKeys}
                disabled={session.saving.value || starting.value}
                onClick={saveAndRun}
              >
                {t.saveAndRun}
              </button>
              {scripts.length > 1 && <Choice scripts={scripts} chosen={script} onChoose={setChosen} />}
            </>
          )}
        </Buttons>
      </div>
      <Notices session={session} />
      <div role="status">{started && !session.dirty.value && <Started {...started} />}</div>
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
      <p class="note hint">{t.hint(script !== undefined)}</p>
      {insisting && (
        <Question
          title={t.errorsTitle(source.name)}
          answer={t.saveAnyway}
          instead={t.keepEditing}
          onClose={() => {
            setInsisting(null);
            requestAnimationFrame(() => goToFirstError(session, jump.current));
          }}
          onAnswer={() => void save({ ...insisting, errors: true })}
        >
          <p>{t.errorsText(count(session.errors.value))}</p>
          <Findings findings={session.findings.value} />
        </Question>
      )}
    </section>
  );
}

interface ButtonsProps {
  session: Session;
  onSave(insist: Insistence): void;
  /** More that can be done with a text that is not compared. */
  children: ComponentChildren;
}

function Buttons({ session, onSave, children }: ButtonsProps) {
  const t = words();
  const comparing = session.comparing.value ? session.theirs.value : null;
  return (
    <div class="bar-of">
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
        title={comparing ? undefined : t.saveKeys}
        disabled={session.saving.value || !(session.dirty.value || comparing)}
        onClick={({ detail }) => {
          if (comparing && detail > 1) return; // the second click of two on what was "Save" before
          onSave(comparing ? { over: comparing } : {});
        }}
      >
        {comparing ? t.saveMine : t.save}
      </button>
      {!comparing && children}
    </div>
  );
}

function goToFirstError(session: Session, jump: Jump): void {
  const error = session.findings.value?.find(({ severity }) => severity === "error");
  if (error && !session.comparing.value) jump(error.line, error.column);
}

/** Of the scripts that run the file, the one to run. */
function Choice({ scripts, chosen, onChoose }: { scripts: readonly string[]; chosen: string; onChoose(name: string): void }) {
  return (
    <select aria-label={words().scriptToRun} value={chosen} onChange={(event) => onChoose(event.currentTarget.value)}>
      {scripts.map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}

/** The way to what is being run. */
function Started({ script, run }: { script: string; run: string }) {
  const t = words();
  return (
    <div class="notice good">
      <p>{t.started(script)}</p>
      <a class="button" href={address({ page: "script", name: script, tab: "output", run })}>
        {t.toOutput}
      </a>
    </div>
  );
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
