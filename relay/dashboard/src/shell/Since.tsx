import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { clock } from "../live/clock";
import { isLive } from "../live/live";
import { address } from "../route";
import { count, moment } from "../text/format";
import { translated } from "../text/language";
import { Signed } from "../ui/Signed";
import { leftAt } from "./away";
import { askFailures, type Failures } from "./failures";

const words = translated({
  en: {
    since: (when: string) => `Since you left at ${when}:`,
    asking: "…",
    none: "no run failed",
    failed: (n: number, number: string) => (n === 1 ? "1 run failed" : `${number} runs failed`),
    more: (number: string) => `more than ${number} runs failed`,
    of: (names: string) => `of ${names}`,
    others: (names: string, n: number) => `${names} and ${n} more`,
    dismiss: "Dismiss",
  },
  "zh-Hant": {
    since: (when: string) => `自您 ${when} 離開後：`,
    asking: "…",
    none: "沒有執行失敗",
    failed: (_: number, number: string) => `${number} 次執行失敗`,
    more: (number: string) => `超過 ${number} 次執行失敗`,
    of: (names: string) => `（${names}）`,
    others: (names: string, n: number) => `${names} 及其他 ${n} 個`,
    dismiss: "關閉",
  },
});

/** The absence that the reader has been told of. */
const seen = signal<number | null>(null);

/** Scripts that are named; of more of them, how many. */
const MOST_NAMES = 3;

/** What a reader who comes back wants to know first: what went wrong meanwhile. Until that has been seen. */
export function Since() {
  const [failures, setFailures] = useState<Failures | null>(null);
  const left = leftAt.value;
  const live = isLive.value;
  useEffect(() => {
    setFailures(null);
    if (left === null || !live) return;
    const abort = new AbortController();
    askFailures(left + clock.offset, abort.signal).then(setFailures, () => {}); // the next connection is asked again
    return () => abort.abort();
  }, [left, live]);
  if (left === null || seen.value === left) return null;
  const t = words();
  return (
    <div class="since">
      <p role="status">
        {t.since(moment(left, Date.now()))} {failures === null ? t.asking : <Told {...failures} since={left + clock.offset} />}
      </p>
      <button type="button" class="quiet" onClick={() => (seen.value = left)}>
        {t.dismiss}
      </button>
    </div>
  );
}

function Told({ count: n, more, scripts, since }: Failures & { since: number }) {
  const t = words();
  if (!n) return <Signed sign="good" text={t.none} />;
  const names = scripts.slice(0, MOST_NAMES).join(", ");
  const others = scripts.length - MOST_NAMES;
  return (
    <a href={address({ page: "runs", filter: { status: "failed", since: new Date(since).toISOString() } })}>
      <Signed sign="bad" text={more ? t.more(count(n)) : t.failed(n, count(n))} />{" "}
      {t.of(others > 0 ? t.others(names, others) : names)}
    </a>
  );
}
