import { setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { becoming, diagnostic, editing, reword, shadowOf, speaking } from "./code";
import type { Session } from "./session";
import { words } from "./words";

/** Puts the cursor at a line and column, both from 1. */
export type Jump = (line: number, column: number) => void;

interface Props {
  session: Session;
  name: string;
  /** Another view of the text is in its place. */
  hidden: boolean;
  onReady(jump: Jump): void;
}

/** A session's text, to be edited. */
export function TextEditor({ session, name, hidden, onReady }: Props) {
  const ref = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const t = words();
  const said = { label: t.textOf(name), description: t.leave };

  useEffect(() => {
    const root = shadowOf(ref.current!);
    const text = session.text.peek();
    const editor = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: text,
        extensions: [
          editing({ name, text, readOnly: false, ...said }),
          EditorView.updateListener.of((update) => {
            if (!update.docChanged) return;
            session.text.value = update.state.sliceDoc();
            const change = speaking(update.state, name, update.startState.sliceDoc(0, 256));
            if (change) editor.dispatch(change);
          }),
        ],
      }),
    });
    view.current = editor;
    onReady((line, column) => {
      const { from } = diagnostic(editor.state.doc, { line, column, severity: "error", message: "" });
      editor.focus();
      editor.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
    });
    const follow = effect(() => {
      const wanted = session.text.value;
      if (wanted !== editor.state.sliceDoc()) editor.dispatch(becoming(editor.state, wanted));
    });
    const mark = effect(() => {
      const findings = session.findings.value ?? [];
      const marks = findings.map((finding) => diagnostic(editor.state.doc, finding));
      editor.dispatch(setDiagnostics(editor.state, marks));
    });
    return () => {
      follow();
      mark();
      editor.destroy();
    };
  }, [session, name]);

  useEffect(() => reword(view.current!, said), [t]);

  const wasHidden = useRef(hidden);
  useEffect(() => {
    if (wasHidden.current && !hidden) {
      view.current!.requestMeasure();
      view.current!.focus();
    }
    wasHidden.current = hidden;
  }, [hidden]);

  return <div class="code" ref={ref} hidden={hidden} />;
}
