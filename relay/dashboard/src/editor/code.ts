/** CodeMirror as this page uses it: in a shadow tree, where its styles are no inline ones and reach nothing else. */
import { defaultKeymap, history, historyKeymap, indentWithTab, isolateHistory } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { yaml } from "@codemirror/lang-yaml";
import {
  bracketMatching, HighlightStyle, indentOnInput, indentUnit, StreamLanguage, syntaxHighlighting,
} from "@codemirror/language";
import { shell } from "@codemirror/legacy-modes/mode/shell";
import { type Diagnostic, lintGutter, lintKeymap } from "@codemirror/lint";
import {
  closeSearchPanel, highlightSelectionMatches, openSearchPanel, search, searchKeymap, searchPanelOpen,
} from "@codemirror/search";
import { diff } from "@codemirror/merge";
import { Compartment, EditorState, type Extension, Text, type TransactionSpec } from "@codemirror/state";
import {
  drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import type { Finding } from "../api/files";
import style from "./code.css?inline";
import { type Dialect, dialectOf, lineBreakOf } from "./dialect";
import { phrases } from "./words";

const sheet = new CSSStyleSheet();
sheet.replaceSync(style);

/** The shadow tree of an element, for editors to be put in. */
export function shadowOf(host: HTMLElement): ShadowRoot {
  if (host.shadowRoot) return host.shadowRoot;
  const root = host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [sheet];
  return root;
}

const LANGUAGES: Record<Dialect, () => Extension> = {
  shell: () => [StreamLanguage.define(shell), indentUnit.of("  ")],
  python: () => [python(), indentUnit.of("    ")],
  yaml: () => [yaml(), indentUnit.of("  ")],
  plain: () => [],
};

// The theme's colours, which follow the theme by themselves.
const highlighting = HighlightStyle.define([
  { tag: tags.comment, color: "var(--quiet)", fontStyle: "italic" },
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--bad)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: "var(--good)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom, tags.escape, tags.meta], color: "var(--warning)" },
  { tag: [tags.standard(tags.variableName), tags.standard(tags.name), tags.function(tags.variableName)], color: "var(--active)" },
  { tag: [tags.definition(tags.propertyName), tags.propertyName, tags.className], color: "var(--active)" },
  { tag: tags.definition(tags.variableName), color: "var(--active)" },
  { tag: tags.invalid, color: "var(--bad)", textDecoration: "underline" },
]);

const inLanguage = new Compartment();
const withLineBreak = new Compartment();
const inWords = new Compartment();

/** What is said in the page's language: `label` is what screen readers call the text, `description` what they add. */
interface Said {
  label: string;
  description?: string;
}

function worded({ label, description = "" }: Said): Extension {
  return [
    EditorState.phrases.of(phrases()),
    // It is a stop of the Tab key by itself; `tabindex` says so to who looks for a way to scroll it by keys.
    EditorView.contentAttributes.of({ "aria-label": label, "aria-description": description, tabindex: "0" }),
  ];
}

/** Say it anew, in another language; what was typed, and what can be undone, stays. */
export function reword(view: EditorView, said: Said): void {
  const isSearching = searchPanelOpen(view.state);
  if (isSearching) closeSearchPanel(view); // it is made of its words when it opens
  view.dispatch({ effects: inWords.reconfigure(worded(said)) });
  if (isSearching) openSearchPanel(view);
}

function languageOf(name: string, text: string): Dialect {
  return dialectOf(name, text.slice(0, 256).split("\n", 1)[0]!);
}

/**
 * Where Chromium replaces several lines by a letter, it joins what is left of them by inline styles: those are against
 * the page's policy, which would be reported.
 */
const typingOverLines = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { state, composing } = view;
    const { from, to } = state.selection.main;
    if (event.inputType !== "insertText" || event.data === null || composing) return false;
    if (state.doc.lineAt(from).to >= to) return false;
    view.dispatch(state.replaceSelection(event.data), { scrollIntoView: true, userEvent: "input.type" });
    return true;
  },
});

export interface Look extends Said {
  /** Of the file. */
  name: string;
  text: string;
  readOnly: boolean;
}

/** What an editor for `text` is made of. */
export function editing({ name, text, readOnly, ...said }: Look): Extension {
  return [
    lineNumbers(),
    highlightSpecialChars(),
    inLanguage.of(LANGUAGES[languageOf(name, text)]()),
    syntaxHighlighting(highlighting),
    search({ top: true }),
    withLineBreak.of(EditorState.lineSeparator.of(lineBreakOf(text))),
    EditorView.clipboardInputFilter.of((pasted, state) => pasted.replace(/\r\n?|\n/g, state.lineBreak)),
    EditorState.tabSize.of(4),
    inWords.of(worded(said)),
    readOnly
      ? [EditorState.readOnly.of(true), EditorView.contentAttributes.of({ "aria-readonly": "true" })]
      : [
          history(), drawSelection(), EditorState.allowMultipleSelections.of(true), highlightActiveLine(),
          highlightActiveLineGutter(), highlightSelectionMatches(), bracketMatching(), indentOnInput(), lintGutter(),
          typingOverLines,
          keymap.of([indentWithTab, ...historyKeymap, ...lintKeymap]),
        ],
    keymap.of([...searchKeymap, ...defaultKeymap]),
  ];
}

/** What makes a state one of another text; the cursor stays where it is, and the change can be undone by itself. */
export function becoming(state: EditorState, text: string): TransactionSpec {
  const lineBreak = lineBreakOf(text);
  const [before, after] = [state.doc.toString(), lineBreak === "\n" ? text : text.replaceAll(lineBreak, "\n")];
  const changes = diff(before, after, { scanLimit: 500, timeout: 200 });
  return {
    changes: changes.map(({ fromA, toA, fromB, toB }) => ({
      from: fromA, to: toA, insert: Text.of(after.slice(fromB, toB).split("\n")),
    })),
    effects: withLineBreak.reconfigure(EditorState.lineSeparator.of(lineBreak)),
    annotations: isolateHistory.of("full"),
  };
}

/** What makes it one in another language, where its text now is; null where it is not. */
export function speaking(state: EditorState, name: string, before: string): TransactionSpec | null {
  const [old, now] = [languageOf(name, before), languageOf(name, state.sliceDoc(0, 256))];
  return old === now ? null : { effects: inLanguage.reconfigure(LANGUAGES[now]()) };
}

/** Where in a document a finding is: from its column on, or the whole line where no column is known. */
export function diagnostic(text: Text, { line, column, severity, message }: Finding): Diagnostic {
  const found = text.line(Math.min(Math.max(1, line), text.lines));
  // Columns count characters, the document UTF-16 units.
  const before = [...found.text].slice(0, column - 1).join("").length;
  const indent = column === 1 ? found.text.length - found.text.trimStart().length : before;
  const from = Math.min(found.from + indent, found.to);
  const word = /^[\p{L}\p{N}_-]+/u.exec(found.text.slice(before))?.[0].length ?? 1;
  const to = column === 1 ? found.to : Math.min(found.to, from + word);
  return { from, to: Math.max(from, to), severity, message };
}
