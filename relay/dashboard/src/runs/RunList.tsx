import "./runs.css";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { RunFilter } from "../api/runs";
import type { Run } from "../events";
import { step } from "../route";
import { leftAt } from "../shell/away";
import { useCommands } from "../shell/commands";
import { here } from "../shell/places";
import { clock } from "../live/clock";
import { count } from "../text/format";
import { useInside } from "../ui/inside";
import { held, leftBefore } from "./listing";
import { LiveRuns } from "./live";
import { RunTable } from "./RunTable";
import { words } from "./words";

interface Props {
  filter: RunFilter;
  label: string;
  /** Whether the runs are of several scripts, so that each has to say of which. */
  several: boolean;
  /** What is said where there are no runs at all. */
  none: string;
  /** Show all again; null where nothing is filtered. */
  onForget: (() => void) | null;
}

/** Runs, newest start first: live, and further back at the reader's wish. */
export function RunList({ filter, label, several, none, onForget }: Props) {
  const t = words();
  const what = JSON.stringify(filter);
  const runs = useMemo(() => new LiveRuns(filter, here().loaded[what]), [what]);
  useEffect(() => runs.start(), [runs]);
  const loaded = runs.page.value?.runs.length;
  useEffect(() => {
    if (loaded !== undefined) here().loaded[what] = loaded;
  }, [loaded, step.value]);
  const { shown, fresh, hold, show } = useHeld(runs);
  const list = useRef<HTMLDivElement>(null);
  useCommands(
    () => [
      { title: t.keys.next, keys: "j", repeats: true, run: () => walk(list.current!, 1) },
      { title: t.keys.previous, keys: "k", repeats: true, run: () => walk(list.current!, -1) },
    ],
    [t],
  );
  const problem = runs.problem.value;
  return (
    <div ref={list} class="run-list" {...hold}>
      {problem !== null && (
        <div class="notice">
          <p class="problem">{problem}</p>
        </div>
      )}
      {fresh > 0 && (
        <button type="button" class="fresh" onClick={show}>
          ↑ {t.fresh(count(fresh))}
        </button>
      )}
      {shown === null && problem === null && <p class="note loading">{t.loading}</p>}
      {shown?.length === 0 && (
        <p class="card nothing">
          {onForget ? t.nothing : none} {onForget && <button onClick={onForget}>{t.forget}</button>}
        </p>
      )}
      {shown !== null && shown.length > 0 && (
        <div class="frame">
          <RunTable
            runs={shown}
            label={label}
            several={several}
            left={leftAt.value}
            divider={leftBefore(shown, leftAt.value === null ? null : leftAt.value + clock.offset)}
          />
        </div>
      )}
      {runs.page.value?.next && (
        <button type="button" class="more" disabled={runs.continuing.value} onClick={() => void runs.more()}>
          {t.more}
        </button>
      )}
    </div>
  );
}

/** Rows do not move while the pointer or the focus is among them: new ones wait until it is not, or they are wanted. */
function useHeld(runs: LiveRuns) {
  const { inside, hold } = useInside();
  const last = useRef<{ of: LiveRuns; shown: readonly Run[] | null }>({ of: runs, shown: null });
  const [, setShows] = useState(0);
  const show = () => {
    last.current.shown = null;
    setShows((shows) => shows + 1);
  };
  const wanted = runs.page.value?.runs;
  if (!wanted) return { shown: last.current.of === runs ? null : last.current.shown, fresh: 0, hold, show };
  const { shown: before, of } = last.current;
  const { runs: shown, fresh } = inside && before && of === runs ? held(wanted, before) : { runs: wanted, fresh: 0 };
  last.current = { of: runs, shown };
  return { shown, fresh, hold, show };
}

/** Put the focus on the run that follows, or comes before, the one that has it. */
function walk(list: HTMLElement, step: number): void {
  const links = [...list.querySelectorAll<HTMLElement>("tbody a.to-output")];
  const at = links.findIndex((link) => link.closest("tr")!.contains(document.activeElement));
  links[at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + step))]?.focus();
}
