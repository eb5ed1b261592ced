import { useId, useState } from "preact/hooks";
import { lacking } from "../access/lacking";
import { changeScripts, runScript } from "../api/scripts";
import { stop } from "../live/stopping";
import { address } from "../route";
import { useAction } from "../shell/action";
import { announce, said } from "../shell/announce";
import { count } from "../text/format";
import { Dialog } from "../ui/Dialog";
import { Question } from "../ui/Question";
import type { Chosen } from "./selection";
import { words } from "./words";

interface Refusal {
  name: string;
  reason: string;
}

/** What can be done to all scripts that are selected and seen. */
export function Batch({ chosen: { seen, hidden }, onClear }: { chosen: Chosen; onClear(): void }) {
  const t = words();
  /** What it was asked for: rows that go meanwhile change neither the question nor what is done. */
  const [removing, setRemoving] = useState<Omit<Chosen, "all"> | null>(null);
  const [refused, setRefused] = useState<{ of: number; refusals: readonly Refusal[] } | null>(null);
  const n = seen.length;

  /** Ask it for every one; what is refused of it is told by name. */
  const each = useAction(async (ask: (name: string) => Promise<unknown>, done: (n: number) => string) => {
    const refusals = await refusalsOf(seen, ask);
    if (refusals.length) setRefused({ of: n, refusals });
    else announce(done(n));
  });
  /** All or none of them. */
  const change = useAction(
    async (action: "enable" | "disable" | "delete", names: readonly string[], done: (n: number) => string) => {
      await changeScripts(action, names).catch((error: unknown) => {
        throw new Error(t.unchanged(said(error)));
      });
      announce(done(names.length));
    },
  );

  const id = useId();
  const none = n ? undefined : t.noneSeen;
  const whyNot = lacking("operate") ?? none;
  const whyNotRemove = lacking("operate") ?? lacking("edit") ?? none;
  const busy = each.busy || change.busy;
  const buttons: [string, () => unknown][] = [
    [t.run, () => each.go(runScript, t.startedAll)],
    [t.stop, () => each.go(stop, t.stoppingAll)],
    [t.enable, () => change.go("enable", seen, t.enabledAll)],
    [t.disable, () => change.go("disable", seen, t.disabledAll)],
  ];
  return (
    <div class="batch bar-of" role="group" aria-label={t.selected(count(n))}>
      <span role="status">
        <b>{t.selected(count(n))}</b>
        {hidden > 0 && <span class="note"> {t.hidden(count(hidden))}</span>}
      </span>
      {buttons.map(([title, act]) => (
        <button
          key={title}
          type="button"
          disabled={busy || whyNot !== undefined}
          aria-describedby={whyNot === undefined ? undefined : id}
          onClick={act}
        >
          {title}
        </button>
      ))}
      <button
        type="button"
        class="danger"
        disabled={busy || whyNotRemove !== undefined}
        aria-describedby={whyNotRemove === undefined ? undefined : id}
        onClick={() => setRemoving({ seen, hidden })}
      >
        {t.remove}
      </button>
      <button type="button" class="quiet" onClick={onClear}>
        {t.clear}
      </button>
      {whyNotRemove !== undefined && (
        <span id={id} class="note">
          {whyNotRemove}
        </span>
      )}
      {removing && (
        <Question
          title={t.removeAll(removing.seen.length)}
          answer={t.removeAll(removing.seen.length)}
          busy={change.busy}
          onClose={() => setRemoving(null)}
          onAnswer={async () => {
            await change.go("delete", removing.seen, t.removedAll);
            setRemoving(null);
          }}
        >
          <Names names={removing.seen} />
          <p>{t.reallyRemove}</p>
          {removing.hidden > 0 && <p class="note">{t.hiddenStay(count(removing.hidden))}</p>}
        </Question>
      )}
      {refused && <Refused {...refused} onClose={() => setRefused(null)} />}
    </div>
  );
}

/** Names that are told; of more of them, how many. */
const MOST_NAMES = 10;

function Names({ names }: { names: readonly string[] }) {
  const more = names.length - MOST_NAMES;
  return (
    <p>
      <b>{names.slice(0, MOST_NAMES).join(", ")}</b>
      {more > 0 && ` ${words().more(count(more))}`}
    </p>
  );
}

/** Which scripts did not do what all were asked for, and why. */
function Refused({ of, refusals, onClose }: { of: number; refusals: readonly Refusal[]; onClose(): void }) {
  const t = words();
  return (
    <Dialog title={t.refused(count(refusals.length), count(of))} onClose={onClose}>
      <dl class="refusals">
        {refusals.map(({ name, reason }) => (
          <div key={name}>
            <dt>
              <a href={address({ page: "script", name, tab: "runs" })}>{name}</a>
            </dt>
            <dd>{reason}</dd>
          </div>
        ))}
      </dl>
      <div class="bar-of ends">
        <button type="button" autoFocus onClick={onClose}>
          {t.close}
        </button>
      </div>
    </Dialog>
  );
}

async function refusalsOf(names: readonly string[], ask: (name: string) => Promise<unknown>): Promise<Refusal[]> {
  const answers = await Promise.allSettled(names.map(ask));
  return answers.flatMap((answer, index) =>
    answer.status === "rejected" ? [{ name: names[index]!, reason: said(answer.reason) }] : [],
  );
}
