import { getChunks, goToNextChunk, goToPreviousChunk, MergeView, unifiedMergeView } from "@codemirror/merge";
import { EditorView } from "@codemirror/view";
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { count } from "../text/format";
import { editing, reword, shadowOf } from "./code";
import { words } from "./words";

interface Side {
  text: string;
  /** What it is, such as `Version 3`. */
  title: string;
}

interface Props {
  /** Of the file. */
  name: string;
  /** What the new text is compared with. */
  old: Side;
  now: Side;
  /** The new text can be edited, and parts of the old one taken over. */
  onEdit?(text: string): void;
}

const room = matchMedia("(min-width: 60rem)");
const wide = signal(room.matches);
room.addEventListener("change", () => (wide.value = room.matches));

const COLLAPSE = { margin: 3, minSize: 6 };
const DIFF = { scanLimit: 500, timeout: 500 };

/** Two texts side by side; where there is no room for that, one with the changes in it. */
export function Comparison({ name, old, now, onEdit }: Props) {
  const t = words();
  const ref = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const merge = useRef<MergeView | null>(null);
  const [changes, setChanges] = useState<number | null>(null);
  const isWide = wide.value;
  const latest = useRef(now.text);
  if (!onEdit) latest.current = now.text;

  useEffect(() => {
    const root = shadowOf(ref.current!);
    const text = latest.current;
    const follow = EditorView.updateListener.of((update) => {
      setChanges(getChunks(update.state)?.chunks.length ?? 0);
      if (update.docChanged && onEdit) onEdit((latest.current = update.state.sliceDoc()));
    });
    const before = { doc: old.text, extensions: editing({ name, text: old.text, label: old.title, readOnly: true }) };
    const after = {
      doc: text,
      extensions: [editing({ name, text, label: now.title, readOnly: !onEdit }), follow],
    };
    let destroy: () => void;
    if (isWide) {
      const made = new MergeView({
        a: before, b: after, parent: root, root, collapseUnchanged: COLLAPSE, diffConfig: DIFF,
        ...(onEdit ? { revertControls: "a-to-b", renderRevertControl: takeOver } : {}),
      });
      merge.current = made;
      view.current = made.b;
      destroy = () => made.destroy();
    } else {
      const unified = unifiedMergeView({
        original: old.text.replaceAll("\r\n", "\n"), collapseUnchanged: COLLAPSE, diffConfig: DIFF,
        mergeControls: onEdit ? choice : false,
      });
      merge.current = null;
      const editor = new EditorView({ ...after, extensions: [after.extensions, unified], parent: root, root });
      view.current = editor;
      destroy = () => editor.destroy();
    }
    setChanges(getChunks(view.current.state)?.chunks.length ?? 0);
    if (onEdit) view.current.focus();
    return destroy;
  }, [name, old.text, onEdit ? null : now.text, isWide]);

  useEffect(() => {
    reword(view.current!, { label: now.title });
    if (!merge.current) return;
    reword(merge.current.a, { label: old.title });
    if (onEdit) merge.current.reconfigure({ renderRevertControl: () => takeOver() }); // another one, to be drawn anew
  }, [t]);

  const step = (command: typeof goToNextChunk) => () => {
    view.current!.focus();
    command(view.current!);
  };
  return (
    <div class="comparison">
      <div class="bar-of spread">
        <div class="sides">
          <span>
            <b class="bad">−</b> {old.title}
          </span>
          <span>
            <b class="good">+</b> {now.title}
          </span>
        </div>
        <div class="bar-of">
          <span class="note">{changes === null ? "" : changes ? t.changes(count(changes)) : differing(old.text, now.text)}</span>
          <button type="button" disabled={!changes} onClick={step(goToPreviousChunk)}>
            {t.previousChange}
          </button>
          <button type="button" disabled={!changes} onClick={step(goToNextChunk)}>
            {t.nextChange}
          </button>
        </div>
      </div>
      <div class="code grows" ref={ref} />
    </div>
  );
}

function differing(old: string, now: string): string {
  return old === now ? words().same : words().sameButLineEnds;
}

/** CodeMirror listens for the press of a mouse only; the keyboard is to do as well. */
function button(text: string, title: string): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.title = title;
  made.ariaLabel = title;
  made.addEventListener("click", (event) => {
    if (event.detail === 0) made.dispatchEvent(new MouseEvent("mousedown", { bubbles: true, cancelable: true }));
  });
  return made;
}

function takeOver(): HTMLElement {
  return button("→", words().takeChange);
}

/** In one text: `reject` brings the old lines back, `accept` has no more to ask. */
function choice(type: "reject" | "accept", act: (event: MouseEvent) => void): HTMLElement {
  const text = type === "reject" ? words().takeChange : words().keepChange;
  const made = button(text, text);
  made.addEventListener("mousedown", act);
  return made;
}
