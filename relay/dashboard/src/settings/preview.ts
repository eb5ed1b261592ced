import { useEffect, useState } from "preact/hooks";
import { ApiError, type Fault } from "../api/client";
import { type Preview, type PreviewQuery, previewSchedule } from "../api/schedule";
import { said } from "../shell/announce";
import { language } from "../text/language";

/** So many milliseconds without another key, and what was typed is looked at. */
const PAUSE = 200;
/** Starts that have passed are asked for anew no more often than this. */
const SHORTEST = 10_000;

export interface Previewed {
  /** The last one that made sense. */
  readonly preview: Preview | null;
  readonly faults: readonly Fault[];
  /** Whether that is about what is asked for now. */
  readonly settled: boolean;
}

interface Answer {
  readonly to: string;
  readonly preview: Preview | null;
  readonly faults: readonly Fault[];
}

/** What the service says of a schedule, while it is typed; null where there is nothing to ask. */
export function usePreview(query: PreviewQuery | null): Previewed {
  const [answer, setAnswer] = useState<Answer>({ to: "", preview: null, faults: [] });
  const [round, setRound] = useState(0);
  const asked = JSON.stringify([query, language.value]);
  useEffect(() => {
    if (!query) return;
    const gone = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const preview = await previewSchedule(query, gone.signal);
        setAnswer({ to: asked, preview, faults: [] });
      } catch (error) {
        if (gone.signal.aborted) return;
        const faults = error instanceof ApiError && error.faults.length ? error.faults : [{ message: said(error) }];
        setAnswer(({ preview }) => ({ to: asked, preview, faults }));
      }
    }, answer.preview || answer.faults.length ? PAUSE : 0);
    return () => {
      clearTimeout(timer);
      gone.abort();
    };
  }, [asked, round]);

  const first = answer.preview?.next[0];
  useEffect(() => {
    if (first === undefined) return;
    const wait = Math.max(SHORTEST, Date.parse(first) - Date.now() + 500);
    const timer = setTimeout(() => setRound(round + 1), Math.min(wait, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  }, [answer]);
  return { preview: query && answer.preview, faults: query ? answer.faults : [], settled: !query || answer.to === asked };
}
