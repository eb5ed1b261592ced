import { useState } from "preact/hooks";
import { changeScripts, runScript, stopScript } from "../api/scripts";
import { useAction } from "../shell/action";
import { count } from "../text/format";
import { Question } from "../ui/Question";
import { words } from "./words";

/** What can be done to all scripts that are selected. */
export function Batch({ names, onDone }: { names: readonly string[]; onDone(): void }) {
  const t = words();
  const [removing, setRemoving] = useState(false);
  const change = useAction(async (call: () => Promise<unknown>) => call());

  const buttons: [string, () => Promise<unknown>][] = [
    [t.run, () => each(names, runScript)],
    [t.stop, () => each(names, stopScript)],
    [t.enable, () => changeScripts("enable", names)],
    [t.disable, () => changeScripts("disable", names)],
  ];
  return (
    <div class="batch bar-of" role="group" aria-label={t.selected(count(names.length))}>
      <b>{t.selected(count(names.length))}</b>
      {buttons.map(([title, call]) => (
        <button key={title} type="button" disabled={change.busy} onClick={() => void change.go(call)}>
          {title}
        </button>
      ))}
      <button type="button" class="danger" disabled={change.busy} onClick={() => setRemoving(true)}>
        {t.remove}
      </button>
      <button type="button" class="quiet" onClick={onDone}>
        {t.clear}
      </button>
      {removing && (
        <Question
          title={t.remove}
          answer={t.remove}
          busy={change.busy}
          onClose={() => setRemoving(false)}
          onAnswer={async () => {
            if (await change.go(() => changeScripts("delete", names))) onDone();
            setRemoving(false);
          }}
        >
          <p>{t.reallyRemove(names.length > 3 ? t.selected(count(names.length)) : names.join(", "))}</p>
        </Question>
      )}
    </div>
  );
}

/** Ask it for every one, and tell what went wrong with any. */
async function each(names: readonly string[], ask: (name: string) => Promise<unknown>): Promise<void> {
  const answers = await Promise.allSettled(names.map(ask));
  const problems = answers.flatMap((answer) => (answer.status === "rejected" ? [String(answer.reason.message)] : []));
  if (problems.length) throw new Error([...new Set(problems)].join(" "));
}
