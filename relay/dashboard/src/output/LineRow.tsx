import { useMemo } from "preact/hooks";
import { address, type Route } from "../route";
import { count } from "../text/format";
import { onTop, segments } from "./ansi";
import { marked } from "./find";
import type { Line } from "./pages";
import { clockText, offsetText, type Times } from "./times";
import { words } from "./words";

/** Of a longer line the rest is not shown. */
const MOST_CHARACTERS = 10_000;

interface Props {
  number: number;
  /** Undefined while it is being fetched. */
  line: Line | undefined;
  /** It has no end yet, and so neither a number nor a time that will stay. */
  unfinished: boolean;
  /** The style that the lines before it left. */
  style: string;
  /** Of the run. */
  startedAt: number;
  times: Times;
  /** The text that is searched for. */
  q: string;
  place: Extract<Route, { page: "script" }>;
  chosen: boolean;
  /** It is the match that the reader has come to. */
  current: boolean;
  onChoose(number: number, extend: boolean): void;
}

export function LineRow({ number, line, unfinished, style, startedAt, times, q, place, chosen, current, onChoose }: Props) {
  const t = words();
  const stderr = line?.[1] === "stderr";
  const cells = useMemo(
    () =>
      line && (
        <>
          {times !== "none" && (
            <span class="when">
              {!unfinished && (times === "offset" ? offsetText(line[0]) : clockText(startedAt + line[0]))}
            </span>
          )}
          <span class="stream" title={stderr ? t.standardError : undefined}>
            {stderr && t.stderr}
          </span>
          <Text text={line[2]} style={style} q={q} />
        </>
      ),
    [line, unfinished, style, times, startedAt, q, t],
  );
  if (unfinished) {
    return (
      <div class={stderr ? "output-line unfinished stderr" : "output-line unfinished"}>
        <span class="number" />
        {cells}
      </div>
    );
  }
  return (
    <div
      data-line={number}
      class={`output-line${stderr ? " stderr" : ""}${chosen ? " chosen" : ""}${current ? " current" : ""}`}
    >
      <a
        class="number"
        tabIndex={-1} // a field goes to any line by its number
        href={address({ ...place, line: number })}
        aria-current={chosen || undefined}
        onClick={(event) => {
          if (event.ctrlKey || event.metaKey) return;
          event.preventDefault();
          onChoose(number, event.shiftKey);
        }}
      >
        {number + 1}
      </a>
      {cells}
    </div>
  );
}

function Text({ text: whole, style, q }: { text: string; style: string; q: string }) {
  const text = onTop(whole);
  const rest = text.length - MOST_CHARACTERS;
  return (
    <span class="text">
      {marked(segments(style, text.slice(0, MOST_CHARACTERS)), q).map(({ text, of, marked }, index) =>
        marked ? (
          <mark key={index} class={of.style}>
            {text}
          </mark>
        ) : of.style ? (
          <span key={index} class={of.style}>
            {text}
          </span>
        ) : (
          text
        ),
      )}
      {rest > 0 && <span class="note"> {words().more(count(rest))}</span>}
    </span>
  );
}
