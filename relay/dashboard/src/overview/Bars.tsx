import { useMemo } from "preact/hooks";
import type { PastRun } from "../events";
import { clock } from "../live/clock";
import { RECENT } from "../live/store";
import { isFailure } from "../live/summary";
import { count, duration, moment } from "../text/format";
import { language } from "../text/language";
import { resultOf } from "../text/words";
import { words } from "./words";

const WIDTH = 4;
const GAP = 1;
const HEIGHT = 24;
/** A bar is never so low that it cannot be seen. */
const LOWEST = 3;

/** The last runs, the latest on the right: as high as they took long, one that did not complete in its colour and with a foot. */
export function Bars({ runs }: { runs: readonly PastRun[] }) {
  const spoken = language.value;
  return useMemo(() => {
    const t = words();
    const longest = Math.max(1, ...runs.map((run) => run.duration));
    const failed = runs.filter(isFailure).length;
    const offset = RECENT - runs.length;
    return (
      <svg
        class="bars"
        viewBox={`0 0 ${RECENT * (WIDTH + GAP)} ${HEIGHT + 4}`}
        role="img"
        aria-label={t.bars(count(runs.length), count(failed))}
      >
        {runs.map((run, index) => {
          const height = LOWEST + (HEIGHT - LOWEST) * Math.sqrt(run.duration / longest);
          const x = (offset + index) * (WIDTH + GAP);
          const { sign, text } = resultOf({ ...run, exitCode: null });
          return (
            <g key={run.run_id} class={sign}>
              <rect x={x} y={HEIGHT - height} width={WIDTH} height={height} rx="1" />
              {sign !== "good" && <rect x={x} y={HEIGHT + 1.5} width={WIDTH} height="2.5" rx="1" />}
              <title>{t.bar(moment(Date.parse(run.started_at), clock.now()), duration(run.duration), text)}</title>
            </g>
          );
        })}
      </svg>
    );
  }, [runs, spoken]);
}
