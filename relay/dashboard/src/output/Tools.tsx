import type { Signal } from "@preact/signals";
import { useLayoutEffect, useState } from "preact/hooks";
import { downloadPath } from "../api/output";
import type { Run, Stream } from "../events";
import { useAction } from "../shell/action";
import { announce } from "../shell/announce";
import { count } from "../text/format";
import { copyLines, type Span } from "./copying";
import type { Scrolling } from "./scrolling";
import { Search } from "./Search";
import { TIMES, type Times } from "./times";
import { words } from "./words";

interface Props {
  run: Run;
  /** Lines there are. */
  total: number;
  stream: Stream | undefined;
  setStream(stream: Stream | undefined): void;
  wrap: Signal<boolean>;
  times: Signal<Times>;
  scrolling: Scrolling;
  span: Span | null;
  goTo(line: number): void;
  top(): number;
  onFind(q: string, line: number | null): void;
}

/** What can be done with the lines below. */
export function Tools({ run, total, stream, setStream, wrap, times, scrolling, span, goTo, ...finding }: Props) {
  const t = words();
  const id = run.run_id;
  const [open, setOpen] = useState(false);
  const copy = useAction(async () => announce(t.copied(count(await copyLines(id, span, total)))));
  useLayoutEffect(() => {
    if (!span) return; // whoever copies as soon as the lines are marked means them
    const onCopy = ({ target, defaultPrevented }: ClipboardEvent) => {
      const other = defaultPrevented || target instanceof HTMLInputElement || !getSelection()?.isCollapsed;
      if (!other) void copy.go();
    };
    document.addEventListener("copy", onCopy);
    return () => document.removeEventListener("copy", onCopy);
  }, [span]);
  return (
    <div class="output-tools bar-of">
      <Search runId={id} total={total} stream={stream} {...finding} />
      <div class="output-more bar-of">
        <button
          type="button"
          aria-pressed={run.status === "running" && scrolling.following}
          disabled={run.status !== "running"}
          onClick={() => scrolling.follow(!scrolling.following)}
        >
          {t.follow}
        </button>
        <button type="button" disabled={copy.busy || !total} onClick={() => void copy.go()}>
          {copyTitle(span)}
        </button>
        <a class="button" href={downloadPath(id)} download>
          {t.download}
        </a>
        <button
          type="button"
          class="icon output-rest-toggle"
          aria-label={t.options}
          title={t.options}
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          ⋯
        </button>
      </div>
      <div class={open ? "output-rest bar-of open" : "output-rest bar-of"}>
        <select
          aria-label={t.streams}
          value={stream ?? "all"}
          onChange={({ currentTarget: { value } }) => setStream(value === "all" ? undefined : (value as Stream))}
        >
          {(["all", "stdout", "stderr"] as const).map((each) => (
            <option key={each} value={each}>
              {t.stream[each]}
            </option>
          ))}
        </select>
        <select
          aria-label={t.time}
          value={times.value}
          onChange={(event) => (times.value = event.currentTarget.value as Times)}
        >
          {TIMES.map((each) => (
            <option key={each} value={each}>
              {t.times[each]}
            </option>
          ))}
        </select>
        <button type="button" aria-pressed={wrap.value} onClick={() => (wrap.value = !wrap.value)}>
          {t.wrap}
        </button>
        <input
          class="output-number"
          type="number"
          min={1}
          aria-label={t.line}
          placeholder={t.line}
          onKeyDown={(event) => {
            const { value } = event.currentTarget;
            if (event.key === "Enter" && value) goTo(Math.max(1, Math.floor(Number(value))) - 1);
          }}
        />
      </div>
    </div>
  );
}

function copyTitle(span: Span | null): string {
  const t = words();
  if (!span) return t.copy;
  const lines = span.last - span.first + 1;
  return lines === 1 ? t.copyLine(String(span.first + 1)) : t.copyLines(count(lines));
}
